/* SPDX-License-Identifier: MIT */
/* http.h - HTTP/1.1 over Unix sockets: the server, the client, and what both need. */

#ifndef SUNPATH_HTTP_H
#define SUNPATH_HTTP_H

#include <sunpath/event-source.h>
#include <sunpath/http-client.h>
#include <sunpath/http-cookies.h>
#include <sunpath/http-form.h>
#include <sunpath/http-server.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The standard phrase for a status ("Not Found"), or "" for one that has none. */
SUNPATH_API const char *sunpath_http_reason(int status);

#ifdef __cplusplus
}
#endif

#endif
