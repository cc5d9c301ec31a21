package region

import (
	"context"
	"sync"
)

type Product struct {
	SKU  string
	Name string
}

type Region struct {
	ID   string
	Load func(ctx context.Context) ([]Product, error)
}

// Cache keeps products by region; safe for concurrent use.
type Cache struct {
	mu       sync.RWMutex
	byRegion map[string][]Product
}

func NewCache() *Cache {
	return &Cache{byRegion: map[string][]Product{}}
}

func (c *Cache) Put(regionID string, products []Product) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byRegion[regionID] = products
}
