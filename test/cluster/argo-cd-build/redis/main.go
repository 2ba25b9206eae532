// A Redis for Argo CD, which uses it as a cache and tells its own parts of changes through it. In memory, on one address, until it is ended.
package main

import (
	"log"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func main() {
	redis := miniredis.NewMiniRedis()
	if err := redis.StartAddr(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	// It is made for tests, whose clock stands still: without this nothing would ever expire.
	for range time.Tick(time.Second) {
		redis.FastForward(time.Second)
	}
}
