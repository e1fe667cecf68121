/* SPDX-License-Identifier: MIT */
/* tcp.c - reusePort(port, host): a TCP descriptor for net.Server that others can share the port
 * with. */

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "addon.h"
#include "value.h"

/* `host` is a number, IPv6 perhaps with a zone. Returns the length of the address. */
static int to_sockaddr(const char *host, int port, struct sockaddr_storage *ret) {
    int r = uv_ip4_addr(host, port, (struct sockaddr_in *)ret);

    if (r == 0) {
        return sizeof(struct sockaddr_in);
    }
    r = uv_ip6_addr(host, port, (struct sockaddr_in6 *)ret);
    return r < 0 ? r : (int)sizeof(struct sockaddr_in6);
}

/* Bound and not listening, so that net.Server chooses the backlog. */
static int open_bound(const struct sockaddr_storage *address, socklen_t size) {
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1, r;

    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)address, size) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

/* -> a descriptor, or a negative errno. */
napi_value sn_tcp_reuse_port(napi_env env, napi_callback_info info) {
    _cleanup_(sn_freep) char *host = NULL;
    struct sockaddr_storage address;
    struct sn_args args;
    int64_t port;
    int size;

    sn_args_read(&args, env, info);
    if (!sn_get_int(env, args.v[0], "port", 0, UINT16_MAX, &port) ||
        !sn_get_string(env, args.v[1], "host", &host)) {
        return NULL;
    }
    size = to_sockaddr(host, (int)port, &address);
    return sn_int(env, size < 0 ? size : open_bound(&address, (socklen_t)size));
}
