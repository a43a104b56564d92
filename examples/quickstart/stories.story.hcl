# Two stories that go out with the first apply, and one for later.

page "demo" {
  id       = "104857600000001"
  timezone = "Asia/Jakarta"
}

story "teaser" {
  page   = page.demo
  photo  = "media/teaser.jpg"
  window = "2h" # after the first apply; then it is too late for it
}

story "reveal" {
  page   = page.demo
  video  = "media/reveal.mp4"
  window = "2h"
  after  = [story.teaser] # never before the teaser, never without it
}

story "anniversary" {
  page         = page.demo
  photo        = "media/teaser.jpg"
  publish_at   = "2099-12-20 09:00" # wall clock of the Page
  allow_repeat = true               # the same picture again, on purpose
  labels       = { campaign = "anniversary" }
}

output "links" {
  description = "Where the stories are to be seen, once they are published."
  value       = [story.teaser.url, story.reveal.url, story.anniversary.url]
}
