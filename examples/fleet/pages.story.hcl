# One campaign on many Pages: each Page has its own id, time zone and token.

storyform {
  required_version = ">= 0.1"
  max_publish      = 50 # one apply may publish this many
}

variable "pages" {
  type = map(object({
    id       = string
    timezone = string
  }))
  default = {
    de = { id = "104857600000011", timezone = "Europe/Berlin" }
    id = { id = "104857600000012", timezone = "Asia/Jakarta" }
    us = { id = "104857600000013", timezone = "America/New_York" }
  }
}

page "brand" {
  for_each  = var.pages
  id        = each.value.id
  timezone  = each.value.timezone
  token_env = "BRAND_TOKEN_${upper(each.key)}" # the NAME of a variable, never a token
}
