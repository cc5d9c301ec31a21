package events

import (
	"context"
	"time"
)

// Event is one thing that happened.
type Event struct {
	Name string
	At   time.Time
}

// Sink stores events; it must not keep the slice.
type Sink interface {
	Insert(ctx context.Context, events []Event) error
}
