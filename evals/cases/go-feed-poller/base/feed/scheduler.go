package feed

import (
	"context"
	"log"
	"time"
)

// Run polls all feeds every five minutes until ctx ends.
func Run(ctx context.Context, poller *Poller, urls []string) {
	ticker := time.NewTicker(5 * time.Minute)
	defer ticker.Stop()
	for {
		for _, url := range urls {
			if err := poller.Poll(ctx, url); err != nil {
				log.Printf("poll %s: %v", url, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
