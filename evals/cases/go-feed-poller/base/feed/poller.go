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

// Poll reads one feed and stores it.
func (p *Poller) Poll(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxFeedBytes))
	if err != nil {
		return err
	}
	p.store.Put(url, raw, Meta{})
	return nil
}
