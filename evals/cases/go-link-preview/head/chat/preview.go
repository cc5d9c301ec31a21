package chat

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const maxPage = 256 << 10

var (
	title     = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	errNoPage = errors.New("not a page")
)

// Previewer reads the titles of pages.
type Previewer struct {
	client *http.Client
}

func NewPreviewer() *Previewer {
	return &Previewer{client: &http.Client{Timeout: 3 * time.Second}}
}

// Preview reads the page at url and returns its title.
func (p *Previewer) Preview(ctx context.Context, url string) (*Preview, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return nil, errNoPage
	}
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, err
	}
	match := title.FindSubmatch(page)
	if match == nil {
		return nil, errNoPage
	}
	return &Preview{URL: url, Title: html.UnescapeString(strings.TrimSpace(string(match[1])))}, nil
}
