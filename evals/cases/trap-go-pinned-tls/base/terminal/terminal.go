package terminal

// Terminal is a card terminal in the shop's own network.
type Terminal struct {
	Address string
	// SHA-256 of the certificate, written down when the terminal was set up.
	Fingerprint [32]byte
}
