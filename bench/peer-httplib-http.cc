/* SPDX-License-Identifier: MIT */
/* peer-httplib-http.cc - the HTTP hello job on cpp-httplib, with a thread for each connection. */

#include <httplib.h>

int main(int argc, char **argv) {
    httplib::Server server;

    if (argc != 2) {
        fprintf(stderr, "usage: bench-httplib-http SOCKET\n");
        return 2;
    }
    server.new_task_queue = [] { return new httplib::ThreadPool(256); };
    server.set_keep_alive_max_count(1000000000);
    server.Get("/", [](const httplib::Request &, httplib::Response &response) {
        response.set_content("hello, world\n", "text/plain");
    });
    return server.set_address_family(AF_UNIX).listen(argv[1], 80) ? 0 : 1;
}
