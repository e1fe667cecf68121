/* SPDX-License-Identifier: MIT */
/* key-value.cc - a key-value store over HTTP in C++17, on the C API as it is.
 *
 *     example-key-value /tmp/kv.sock &
 *     curl --unix-socket /tmp/kv.sock -T - http://localhost/keys/sun <<<'a star'
 *     curl --unix-socket /tmp/kv.sock http://localhost/keys/sun
 */

#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <sunpath/sunpath.h>

/* What the library hands out is held by pointers that give it back. */
template <auto give_back> struct GiveBack {
    template <class Object> void operator()(Object *object) const {
        give_back(object);
    }
};
using Loop = std::unique_ptr<sunpath_loop, GiveBack<sunpath_loop_close>>;
using Router = std::unique_ptr<sunpath_router, GiveBack<sunpath_router_free>>;
using Server = std::unique_ptr<sunpath_http_server, GiveBack<sunpath_http_server_free>>;

class Store {
  public:
    void list(sunpath_http_exchange *exchange) {
        std::string text;

        for (const auto &pair : values) {
            text += pair.first + "\n";
        }
        respond(exchange, 200, text);
    }

    void get(sunpath_http_exchange *exchange) {
        auto found = values.find(sunpath_http_param(exchange, "key"));

        if (found == values.end()) {
            sunpath_http_fail(exchange, 404, "no such key");
        } else {
            respond(exchange, 200, found->second);
        }
    }

    void put(sunpath_http_exchange *exchange) {
        size_t size;
        auto body = static_cast<const char *>(sunpath_http_body(exchange, &size));
        bool is_new =
            values.insert_or_assign(sunpath_http_param(exchange, "key"), std::string(body, size))
                .second;

        respond(exchange, is_new ? 201 : 204, "");
    }

    void remove(sunpath_http_exchange *exchange) {
        if (values.erase(sunpath_http_param(exchange, "key")) == 0) {
            sunpath_http_fail(exchange, 404, "no such key");
        } else {
            respond(exchange, 204, "");
        }
    }

  private:
    static void respond(sunpath_http_exchange *exchange, int status, const std::string &text) {
        sunpath_http_respond(exchange, status, text.empty() ? nullptr : "text/plain", text.data(),
                             text.size());
    }

    std::map<std::string, std::string> values;
};

/* A member function as a handler. Exceptions end here: they must not pass through C. */
template <void (Store::*method)(sunpath_http_exchange *)>
void call(sunpath_http_exchange *exchange, void *user) {
    try {
        (static_cast<Store *>(user)->*method)(exchange);
    } catch (const std::exception &error) {
        sunpath_http_fail(exchange, 500, error.what());
    }
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "/tmp/kv.sock";
    sunpath_error error = {};
    sunpath_loop *loop = nullptr;
    sunpath_router *router = nullptr;
    sunpath_http_server *server = nullptr;
    Store store;

    if (sunpath_loop_open(&loop) < 0) {
        return 1;
    }
    Loop loop_holder(loop);
    if (sunpath_router_new(&router, nullptr) < 0) {
        return 1;
    }
    Router router_holder(router);
    sunpath_router_on(router, "GET /keys", call<&Store::list>, &store);
    sunpath_router_on(router, "GET /keys/:key", call<&Store::get>, &store);
    sunpath_router_on(router, "PUT /keys/:key", call<&Store::put>, &store);
    sunpath_router_on(router, "DELETE /keys/:key", call<&Store::remove>, &store);
    if (sunpath_router_compile(router, &error) < 0) {
        std::fprintf(stderr, "%s\n", error.text);
        return 1;
    }

    auto options = SUNPATH_OPTIONS(sunpath_http_server_options);
    options.max_body = 1024 * 1024;
    if (sunpath_http_server_new(&server, loop, sunpath_router_handler(), router, &options) < 0) {
        return 1;
    }
    Server server_holder(server);
    if (sunpath_http_server_listen(server, address, nullptr, &error) < 0) {
        std::fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    return sunpath_loop_run_until_signal(loop) < 0;
}
