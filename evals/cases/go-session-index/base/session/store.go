package session

import (
	"sync"
	"time"
)

// Session is one login.
type Session struct {
	ID      string
	UserID  int64
	Expires time.Time
}

// Store holds sessions; handlers use it concurrently.
type Store struct {
	mu   sync.RWMutex
	byID map[string]Session
}

func NewStore() *Store {
	return &Store{byID: map[string]Session{}}
}

// Put adds a session.
func (s *Store) Put(session Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[session.ID] = session
}

// Get finds a session that has not expired.
func (s *Store) Get(id string, now time.Time) (Session, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	session, ok := s.byID[id]
	if !ok || now.After(session.Expires) {
		return Session{}, false
	}
	return session, true
}
