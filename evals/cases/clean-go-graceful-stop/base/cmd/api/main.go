package main

import (
	"log"
	"net/http"

	"example.org/api/internal/web"
)

func main() {
	log.Fatal(http.ListenAndServe(":8080", web.Routes()))
}
