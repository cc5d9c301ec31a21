package terminal

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"net/http"
	"time"
)

// ErrUnknownCertificate means that something else than the terminal has answered.
var ErrUnknownCertificate = errors.New("terminal: unknown certificate")

// NewClient returns a client that talks to this terminal and to nothing else.
func NewClient(t Terminal) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:     pinned(t.Fingerprint),
			TLSHandshakeTimeout: 5 * time.Second,
		},
	}
}

// pinned replaces the usual verification, which cannot work for a self-signed certificate without a name.
func pinned(fingerprint [32]byte) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return ErrUnknownCertificate
			}
			got := sha256.Sum256(state.PeerCertificates[0].Raw)
			if subtle.ConstantTimeCompare(got[:], fingerprint[:]) != 1 {
				return ErrUnknownCertificate
			}
			return nil
		},
	}
}
