package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Story is a story as tests and people want to see it. In contrast to the
// API's list it is there at once, whatever the listing lag.
type Story struct {
	PostID    string    `json:"post_id"`
	MediaID   string    `json:"media_id"`
	Page      string    `json:"page"`
	Kind      string    `json:"kind"`             // photo or video
	SHA256    string    `json:"sha256,omitempty"` // of the uploaded bytes
	Bytes     int64     `json:"bytes,omitempty"`
	CreatedAt time.Time `json:"created_at"` // when it became public; may lie ahead
	// Status is published, archived, expired, removed or, before CreatedAt,
	// pending.
	Status string `json:"status"`
	URL    string `json:"url"`
	ByHand bool   `json:"by_hand,omitempty"`
}

// story is a post for the world outside.
func (w *world) story(s *post, now time.Time) Story {
	status := w.status(s, now)
	switch {
	case s.Removed:
		status = "removed"
	case now.Before(s.Created):
		status = "pending"
	case status == "":
		status = "expired"
	}
	return Story{
		PostID: s.PostID, MediaID: s.MediaID, Page: s.Page, Kind: s.Kind, SHA256: s.SHA256, Bytes: s.Bytes,
		CreatedAt: s.Created, Status: status, URL: w.url(s), ByHand: s.ByHand,
	}
}

// Stories returns every story that was ever published on a Page, oldest
// first, also those that nobody can see any more. For "" it returns those of
// all Pages, Page by Page.
func (s *Server) Stories(page string) []Story {
	out := []Story{}
	s.view(func(w *world) {
		now := s.timeOf(w)
		for _, p := range w.sortedPages() {
			for _, st := range p.stories {
				if page == "" || page == p.ID {
					out = append(out, w.story(st, now))
				}
			}
		}
	})
	return out
}

// Requests returns the request log: the last 1,000 requests, oldest first.
func (s *Server) Requests() (out []Request) {
	s.view(func(w *world) { out = slices.Clone(w.requests) })
	return out
}

// Pages returns the Pages, by id.
func (s *Server) Pages() []Page {
	out := []Page{}
	s.view(func(w *world) {
		for _, p := range w.sortedPages() {
			copied := *p
			copied.stories = nil
			out = append(out, copied)
		}
	})
	return out
}

// change changes the world and makes that durable.
func (s *Server) change(apply func(w *world) error) error {
	var refusal error
	err := s.update(func(w *world) bool {
		refusal = apply(w)
		return refusal == nil
	})
	return cmp.Or(refusal, err)
}

// AddPage adds a Page, or changes one that is there; its stories stay.
func (s *Server) AddPage(p Page) error {
	if !isID(p.ID) {
		return fmt.Errorf("%q is not the id of a Page; ids are digits", p.ID)
	}
	return s.change(func(w *world) error {
		w.addPage(p)
		return nil
	})
}

// AddToken adds a token, or changes what one means, also a derived one. A
// Page token's Page must be there. What looks like a token of the real API
// is refused.
func (s *Server) AddToken(t Token) error {
	value := t.Value
	t.Value = ""
	switch {
	case value == "":
		return errors.New("the token is empty")
	case len(value) > 2 && value[:3] == "EAA":
		return errors.New("the token looks like one of the real API; the simulator doesn't take those")
	case !slices.Contains([]TokenKind{PageToken, UserToken, SystemUserToken}, t.Kind):
		return fmt.Errorf("the kind of the token is %q; it can be PAGE, USER or SYSTEM_USER", t.Kind)
	case !sane(t.Expires):
		return errors.New("the token's end is out of range")
	}
	return s.change(func(w *world) error {
		if _, known := w.page(t.Page, s.opts.AutoPages); t.Kind == PageToken && !known {
			return fmt.Errorf("there is no Page %q for the token", t.Page)
		}
		w.tokens[hashToken(value)] = &t
		return nil
	})
}

// RevokePageTokens makes the derived tokens of a Page invalid, as when its
// owner changes the password, and returns the new one, which an exchange
// brings from then on.
func (s *Server) RevokePageTokens(page string) (token string, err error) {
	err = s.change(func(w *world) error {
		p, known := w.page(page, s.opts.AutoPages)
		if !known {
			return fmt.Errorf("there is no Page %q", page)
		}
		p.Generation++
		token = p.token()
		return nil
	})
	return token, err
}

// AddFaults adds faults behind those that are there.
func (s *Server) AddFaults(faults ...Fault) error {
	for _, f := range faults {
		if err := f.Validate(); err != nil {
			return err
		}
	}
	return s.change(func(w *world) error {
		if len(w.faults)+len(faults) > maxFaults {
			return fmt.Errorf("at most %d faults can be scripted", maxFaults)
		}
		for _, f := range faults {
			w.faults = append(w.faults, &scripted{Fault: f})
		}
		return nil
	})
}

// FaultReport is a fault of the script and what became of it.
type FaultReport struct {
	Fault
	Seen int `json:"seen"` // requests that matched
	Hits int `json:"hits"` // of those, the ones that suffered
}

// Faults returns the script, used-up faults included.
func (s *Server) Faults() []FaultReport {
	out := []FaultReport{}
	s.view(func(w *world) {
		for _, f := range w.faults {
			out = append(out, FaultReport(*f))
		}
	})
	return out
}

// ClearFaults empties the script.
func (s *Server) ClearFaults() error {
	return s.change(func(w *world) error {
		w.faults = nil
		return nil
	})
}

// Switches returns the switches.
func (s *Server) Switches() (out Switches) {
	s.view(func(w *world) { out = w.switches })
	return out
}

// SetSwitches replaces the switches.
func (s *Server) SetSwitches(switches Switches) error {
	if err := switches.Validate(); err != nil {
		return err
	}
	return s.change(func(w *world) error {
		w.switches, w.throttle = switches, throttle{}
		return nil
	})
}

// Now is the time in the world.
func (s *Server) Now() (now time.Time) {
	s.view(func(w *world) { now = s.timeOf(w) })
	return now
}

// Advance moves the world's time by d, in addition to what Options.Now does.
func (s *Server) Advance(d time.Duration) error {
	return s.change(func(w *world) error {
		if sum := w.offset + d; d.Abs() > maxAdvance || sum.Abs() > maxAdvance {
			return fmt.Errorf("the clock can't be moved by %s", d)
		}
		w.offset += d
		return nil
	})
}

// Host makes a hosted file known under a URL, so that it can be "fetched"
// without a network. It is kept in memory only.
func (s *Server) Host(url string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosted[url] = slices.Clone(content)
}

// AddStory makes a story by hand, as somebody does in the app. Page and Kind
// are needed; PostID, MediaID and CreatedAt may be given, the rest is worked
// out.
func (s *Server) AddStory(st Story) (Story, error) {
	err := s.change(func(w *world) error {
		now := s.timeOf(w)
		if _, known := w.page(st.Page, s.opts.AutoPages); !known {
			return fmt.Errorf("there is no Page %q", st.Page)
		}
		if st.Kind != "photo" && st.Kind != "video" {
			return fmt.Errorf("the kind of the story is %q; it can be photo or video", st.Kind)
		}
		at := st.CreatedAt
		if at.IsZero() {
			at = now
		}
		made := &post{
			PostID: cmp.Or(st.PostID, w.id()), MediaID: cmp.Or(st.MediaID, w.id()), Page: st.Page, Kind: st.Kind,
			SHA256: st.SHA256, Bytes: st.Bytes, Created: at.UTC(), Card: w.id(), ByHand: true,
		}
		if !isID(made.PostID) || w.posts[made.PostID] != nil || !sane(at) {
			return fmt.Errorf("a story with the post_id %q and the time %s can't be made", made.PostID, at)
		}
		w.addPost(made)
		st = w.story(made, now)
		return nil
	})
	return st, err
}

// RemoveStory removes a story by hand, as somebody does in the app.
func (s *Server) RemoveStory(postID string) error {
	return s.change(func(w *world) error {
		st := w.posts[postID]
		if st == nil || st.Removed {
			return fmt.Errorf("there is no story %q", postID)
		}
		st.Removed = true
		return nil
	})
}

// Reset begins with an empty world. Its clock is not moved any more. Ids go
// on from where they were, so that none of them ever names two things.
func (s *Server) Reset() error {
	return s.change(func(w *world) error {
		next := w.next
		*w = *s.fresh()
		w.next = next
		return nil
	})
}

// Save writes the world to its file, which every request that changes
// something does anyway. It fails when there is none.
func (s *Server) Save() error {
	s.mu.Lock()
	bound := s.store != nil
	s.mu.Unlock()
	if !bound {
		return errors.New("the simulator's world is bound to no file")
	}
	return s.change(func(*world) error { return nil })
}
