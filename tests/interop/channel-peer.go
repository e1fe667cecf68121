// SPDX-License-Identifier: MIT

// channel-peer.go server|client KIND PATH [COUNT] - messages with Go's own net package: KIND is seqpacket,
// dgram, u32be or varint. The server sends every message back; the client checks what comes back.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"strconv"
)

const largest = 100000

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A way to send and receive whole messages; io.EOF at the end.
type peer interface {
	send(message []byte) error
	receive() ([]byte, error)
}

type packets struct {
	conn net.Conn
}

func (p *packets) send(message []byte) error {
	_, err := p.conn.Write(message)
	return err
}

func (p *packets) receive() ([]byte, error) {
	buffer := make([]byte, 2*largest)
	n, err := p.conn.Read(buffer)
	return buffer[:n], err
}

type datagrams struct {
	conn *net.UnixConn
	from *net.UnixAddr
}

func (d *datagrams) send(message []byte) error {
	var err error
	if d.from != nil {
		_, err = d.conn.WriteToUnix(message, d.from)
	} else {
		_, err = d.conn.Write(message)
	}
	return err
}

func (d *datagrams) receive() ([]byte, error) {
	buffer := make([]byte, 2*largest)
	n, from, err := d.conn.ReadFromUnix(buffer)
	d.from = from
	return buffer[:n], err
}

type frames struct {
	conn     net.Conn
	reader   *bufio.Reader
	isVarint bool
}

func (f *frames) send(message []byte) error {
	head := make([]byte, binary.MaxVarintLen64)
	n := 4
	if f.isVarint {
		n = binary.PutUvarint(head, uint64(len(message)))
	} else {
		binary.BigEndian.PutUint32(head, uint32(len(message)))
	}
	_, err := f.conn.Write(append(head[:n], message...))
	return err
}

func (f *frames) receive() ([]byte, error) {
	var size uint64
	var err error
	if f.isVarint {
		size, err = binary.ReadUvarint(f.reader)
	} else {
		head := make([]byte, 4)
		_, err = io.ReadFull(f.reader, head)
		size = uint64(binary.BigEndian.Uint32(head))
	}
	if err != nil {
		return nil, err
	}
	message := make([]byte, size)
	_, err = io.ReadFull(f.reader, message)
	return message, err
}

func over(conn net.Conn, kind string) peer {
	if kind == "seqpacket" {
		return &packets{conn}
	}
	return &frames{conn, bufio.NewReader(conn), kind == "varint"}
}

func network(kind string) string {
	if kind == "seqpacket" {
		return "unixpacket"
	}
	return "unix"
}

func accept(kind string, path string) peer {
	if kind == "dgram" {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		check(err)
		return &datagrams{conn: conn}
	}
	listener, err := net.Listen(network(kind), path)
	check(err)
	conn, err := listener.Accept()
	check(err)
	return over(conn, kind)
}

func dial(kind string, path string) peer {
	if kind == "dgram" {
		conn, err := net.DialUnix("unixgram", &net.UnixAddr{Name: path + ".client", Net: "unixgram"},
			&net.UnixAddr{Name: path, Net: "unixgram"})
		check(err)
		return &datagrams{conn: conn}
	}
	conn, err := net.Dial(network(kind), path)
	check(err)
	return over(conn, kind)
}

func main() {
	kind, path := os.Args[2], os.Args[3]
	if os.Args[1] == "server" {
		p := accept(kind, path)
		for {
			message, err := p.receive()
			if err == io.EOF {
				return
			}
			check(err)
			check(p.send(message))
		}
	}
	count, err := strconv.Atoi(os.Args[4])
	check(err)
	p := dial(kind, path)
	for i := 0; i < count; i++ {
		message := make([]byte, 1+rand.Intn([]int{20, 300, 2000, largest}[rand.Intn(4)]))
		rand.Read(message)
		if d, ok := p.(*datagrams); ok {
			d.from = nil
		}
		check(p.send(message))
		answer, err := p.receive()
		check(err)
		if !bytes.Equal(message, answer) {
			fmt.Fprintln(os.Stderr, "message", i, "came back changed")
			os.Exit(1)
		}
	}
	fmt.Println("ok", count)
}
