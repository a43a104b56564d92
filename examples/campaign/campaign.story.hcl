# A sequence with a brand rule, a story a day, and an announcement that must
# not go out late.

variable "campaign" {
  type        = string
  default     = "launch"
  description = "Goes into the labels of every story."

  validation {
    condition     = can(regex("^[a-z-]+$", var.campaign))
    error_message = "A campaign is named in small letters and dashes."
  }
}

locals {
  dir    = "media"
  labels = { campaign = var.campaign }
}

page "shop" {
  id       = "104857600000021"
  timezone = "Europe/Berlin"
}

story "teaser" {
  page       = page.shop
  photo      = "${local.dir}/teaser.jpg"
  publish_at = "2099-11-02 18:00"
  labels     = local.labels
}

story "reveal" {
  page       = page.shop
  video      = "${local.dir}/reveal.mp4"
  publish_at = "2099-11-02 18:05"
  after      = [story.teaser] # never before the teaser, never without it
  labels     = local.labels

  precondition {
    condition     = self.media.duration <= 30
    error_message = "Brand rule: story videos are 30 seconds at most."
  }
}

story "daily" {
  for_each     = toset(dates("2099-11-03", "2099-11-05", "1d"))
  page         = page.shop
  photo        = "${local.dir}/teaser.jpg"
  publish_at   = "${each.key} 12:00"
  window       = "1h"
  allow_repeat = true
  labels       = local.labels
}

# What a script needs to link to the stories: storyform output -json. The urls
# are null until the stories are published.

output "sequence" {
  description = "Where the teaser and the reveal are to be seen."
  value       = { for s in [story.teaser, story.reveal] : s.source => s.url }
}

output "daily" {
  description = "How far the daily stories are."
  value       = { for day, s in story.daily : day => s.status }
}
