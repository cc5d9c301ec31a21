package warm

import (
	"context"
	"fmt"

	"example.org/catalog/region"
)

// Cache is filled before the service takes traffic.
type Cache interface {
	Put(regionID string, products []region.Product)
}

// All loads the products of every region into the cache.
func All(ctx context.Context, regions []region.Region, cache Cache) error {
	for _, r := range regions {
		products, err := r.Load(ctx)
		if err != nil {
			return fmt.Errorf("region %s: %w", r.ID, err)
		}
		cache.Put(r.ID, products)
	}
	return nil
}
