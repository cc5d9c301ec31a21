package terminal

import (
	"net/http"
	"time"
)

// NewClient returns a client for one terminal.
func NewClient(t Terminal) *http.Client {
	return &http.Client{Timeout: 30 * time.Second}
}
