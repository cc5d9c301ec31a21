package chat

import "regexp"

// Message is what a user has written.
type Message struct {
	Author  string
	Text    string
	Preview *Preview
}

// Preview is shown below a message.
type Preview struct {
	URL   string
	Title string
}

var link = regexp.MustCompile(`https?://\S+`)

// FirstLink is the first address in the text, or "".
func FirstLink(text string) string {
	return link.FindString(text)
}
