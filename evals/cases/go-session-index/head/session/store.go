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
	mu     sync.RWMutex
	byID   map[string]Session
	byUser map[int64]map[string]struct{}
}

func NewStore() *Store {
	return &Store{byID: map[string]Session{}, byUser: map[int64]map[string]struct{}{}}
}

// Put adds a session.
func (s *Store) Put(session Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[session.ID] = session
	ids, ok := s.byUser[session.UserID]
	if !ok {
		ids = map[string]struct{}{}
		s.byUser[session.UserID] = ids
	}
	ids[session.ID] = struct{}{}
}

// Get finds a session that has not expired; an expired one is forgotten.
func (s *Store) Get(id string, now time.Time) (Session, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	session, ok := s.byID[id]
	if !ok {
		return Session{}, false
	}
	if now.After(session.Expires) {
		s.remove(session)
		return Session{}, false
	}
	return session, true
}

// EndAll ends every session of a user and says how many there were.
func (s *Store) EndAll(userID int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.byUser[userID]
	count := len(ids)
	for id := range ids {
		delete(s.byID, id)
	}
	delete(s.byUser, userID)
	return count
}

func (s *Store) remove(session Session) {
	delete(s.byID, session.ID)
	delete(s.byUser[session.UserID], session.ID)
	if len(s.byUser[session.UserID]) == 0 {
		delete(s.byUser, session.UserID)
	}
}
