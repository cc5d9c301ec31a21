package feed

import "sync"

// Meta is what a server told us about the version that we hold.
type Meta struct {
	ETag         string
	LastModified string
}

// Store keeps the raw feeds by URL.
type Store struct {
	mu    sync.Mutex
	raw   map[string][]byte
	metas map[string]Meta
}

func NewStore() *Store {
	return &Store{raw: map[string][]byte{}, metas: map[string]Meta{}}
}

func (s *Store) Put(url string, raw []byte, meta Meta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw[url] = raw
	s.metas[url] = meta
}

func (s *Store) Meta(url string) Meta {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metas[url]
}
