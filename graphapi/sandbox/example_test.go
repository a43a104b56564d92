package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"storyform/graphapi/sandbox"
)

// The second start of a video session is carried out, and its answer is lost.
func ExampleServer() {
	sim := sandbox.New(sandbox.Options{AutoPages: true})
	faults, err := sandbox.ParseFaults("start after reset nth=2")
	if err != nil {
		panic(err)
	}
	if err := sim.AddFaults(faults...); err != nil {
		panic(err)
	}
	base, stop, err := sim.Start("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer stop()
	for range 2 {
		form := url.Values{"upload_phase": {"start"}}
		req, _ := http.NewRequest("POST", base+"/v25.0/104857600000001/video_stories", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer sandbox-page-104857600000001")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		fmt.Println("answered:", err == nil)
	}
	for _, r := range sim.Requests() {
		fmt.Println(strings.TrimSpace(r.Edge + " " + r.Outcome + " " + r.Fault))
	}
	// Output:
	// answered: true
	// answered: false
	// start done
	// start lost start after reset nth=2
}
