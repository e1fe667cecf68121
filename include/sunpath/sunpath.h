/* SPDX-License-Identifier: MIT */
/* sunpath.h - everything a program does over a Unix socket: all headers at once. */

#ifndef SUNPATH_SUNPATH_H
#define SUNPATH_SUNPATH_H

#include <sunpath/access-log.h>
#include <sunpath/address.h>
#include <sunpath/auth.h>
#include <sunpath/base.h>
#include <sunpath/channel.h>
#include <sunpath/connection.h>
#include <sunpath/cors.h>
#include <sunpath/event-stream.h>
#include <sunpath/files.h>
#include <sunpath/form.h>
#include <sunpath/forwarded.h>
#include <sunpath/frame.h>
#include <sunpath/health.h>
#include <sunpath/http.h>
#include <sunpath/inspect.h>
#include <sunpath/json.h>
#include <sunpath/listener.h>
#include <sunpath/loop.h>
#include <sunpath/metrics.h>
#include <sunpath/notify.h>
#include <sunpath/peer.h>
#include <sunpath/relay.h>
#include <sunpath/router.h>
#include <sunpath/rules.h>
#include <sunpath/signed-cookie.h>
#include <sunpath/stream.h>
#include <sunpath/syslog.h>

#endif
