// SPDX-License-Identifier: MIT

// peer-go-http SOCKET - the HTTP hello job on Go's net/http.
package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
)

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "hello, world\n")
	})
	panic(http.Serve(listener, nil))
}
