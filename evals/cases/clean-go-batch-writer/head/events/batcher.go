package events

import (
	"context"
	"log"
	"time"
)

const (
	batchSize     = 500
	flushEvery    = time.Second
	insertTimeout = 10 * time.Second
	queueSize     = 4 * batchSize
)

// Batcher collects events and stores them in batches. Add may be called from many goroutines.
type Batcher struct {
	sink  Sink
	queue chan Event
	stop  chan struct{}
	done  chan struct{}
}

// NewBatcher starts the goroutine that stores; end it with Close.
func NewBatcher(sink Sink) *Batcher {
	b := &Batcher{
		sink:  sink,
		queue: make(chan Event, queueSize),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	go b.run()
	return b
}

// Add queues an event; it reports false if the queue is full and the event was dropped.
func (b *Batcher) Add(event Event) bool {
	select {
	case b.queue <- event:
		return true
	default:
		return false
	}
}

// Close stores what was queued before and waits for it. Call it once, after the last Add.
func (b *Batcher) Close() {
	close(b.stop)
	<-b.done
}

func (b *Batcher) run() {
	defer close(b.done)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	batch := make([]Event, 0, batchSize)
	for {
		select {
		case event := <-b.queue:
			batch = append(batch, event)
			if len(batch) == batchSize {
				batch = b.flush(batch)
			}
		case <-ticker.C:
			batch = b.flush(batch)
		case <-b.stop:
			b.drain(batch)
			return
		}
	}
}

func (b *Batcher) drain(batch []Event) {
	for {
		select {
		case event := <-b.queue:
			batch = append(batch, event)
			if len(batch) == batchSize {
				batch = b.flush(batch)
			}
		default:
			b.flush(batch)
			return
		}
	}
}

// flush stores the batch and returns it empty. A batch that cannot be stored is logged and lost.
func (b *Batcher) flush(batch []Event) []Event {
	if len(batch) == 0 {
		return batch
	}
	ctx, cancel := context.WithTimeout(context.Background(), insertTimeout)
	defer cancel()
	if err := b.sink.Insert(ctx, batch); err != nil {
		log.Printf("events: %d lost: %v", len(batch), err)
	}
	return batch[:0]
}
