# What should be on which Page, and when. `storyform plan` shows what that
# means, `storyform apply` does it, once. Rehearse with -sandbox: nothing leaves
# this machine, and no token is needed.

storyform {
  required_version = ">= 0.1"

  # The state says what was published, so that nothing is published twice. It is
  # a file beside this one, which is enough for one machine. Where CI applies, it
  # must be where every run finds it:
  #
@BACKEND@  #
  # After that, storyform init checks the place, and moves the state there.
}

# The Page's token comes from the environment: STORYFORM_TOKEN, or whatever
# token_env names. It never stands here.
page "main" {
  id       = "104857600000001" # put your Page's id here
  timezone = "UTC"             # in which its times are read, such as "Asia/Jakarta"
}

story "hello" {
  page   = page.main
  photo  = "media/hello.jpg"
  window = "2h" # goes out when it is applied, or within two hours, or not at all
}

# A story for a certain time:
#
# story "teaser" {
#   page       = page.main
#   video      = "media/teaser.mp4" # 3 to 60 seconds, 9:16
#   publish_at = "2030-12-24 18:00" # wall clock of the Page
#   window     = "1h"               # how late it may still go out
#   after      = [story.hello]      # never before it, never without it
#   labels     = { campaign = "xmas" }
# }
