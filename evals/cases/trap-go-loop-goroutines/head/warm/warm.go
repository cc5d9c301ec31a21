package warm

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"example.org/catalog/region"
)

const maxParallel = 6

// Cache is filled before the service takes traffic. Put is called from several goroutines.
type Cache interface {
	Put(regionID string, products []region.Product)
}

// All loads the products of every region into the cache. The first error ends the other loads.
func All(ctx context.Context, regions []region.Region, cache Cache) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxParallel)
	for _, r := range regions {
		group.Go(func() error {
			products, err := r.Load(ctx)
			if err != nil {
				return fmt.Errorf("region %s: %w", r.ID, err)
			}
			cache.Put(r.ID, products)
			return nil
		})
	}
	return group.Wait()
}
