# story.offer["de"], story.offer["id"], story.offer["us"]: nine o'clock on the
# wall clock of each Page.

story "offer" {
  for_each   = page.brand
  page       = each.value
  photo      = "media/offer.jpg"
  publish_at = "2099-12-20 09:00"
  window     = "30m" # how late it may still go out
  labels     = { campaign = "winter" }
}
