package chat

import (
	"encoding/json"
	"net/http"
)

// Handler takes messages of logged-in users.
type Handler struct {
	Room interface{ Post(Message) }
	User func(*http.Request) string
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<10)).Decode(&in); err != nil {
		http.Error(w, "bad message", http.StatusBadRequest)
		return
	}
	h.Room.Post(Message{Author: h.User(r), Text: in.Text})
	w.WriteHeader(http.StatusNoContent)
}
