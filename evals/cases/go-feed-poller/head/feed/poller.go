package feed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const maxFeedBytes = 4 << 20

// Poller reads feeds every few minutes, for thousands of subscriptions.
type Poller struct {
	client *http.Client
	store  *Store
}

func NewPoller(store *Store) *Poller {
	return &Poller{client: &http.Client{Timeout: 20 * time.Second}, store: store}
}

// Poll reads one feed and stores it. It reports whether the feed has changed since the last time.
func (p *Poller) Poll(ctx context.Context, url string) (bool, error) {
	req, err := p.request(ctx, url)
	if err != nil {
		return false, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return false, err
	}
	switch resp.StatusCode {
	case http.StatusNotModified:
		return false, nil
	case http.StatusOK:
	default:
		return false, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxFeedBytes))
	if err != nil {
		return false, err
	}
	p.store.Put(url, raw, Meta{
		ETag:         resp.Header.Get("ETag"),
		LastModified: resp.Header.Get("Last-Modified"),
	})
	return true, nil
}

func (p *Poller) request(ctx context.Context, url string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	meta := p.store.Meta(url)
	if meta.ETag != "" {
		req.Header.Set("If-None-Match", meta.ETag)
	}
	if meta.LastModified != "" {
		req.Header.Set("If-Modified-Since", meta.LastModified)
	}
	return req, nil
}
