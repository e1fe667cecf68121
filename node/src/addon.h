/* SPDX-License-Identifier: MIT */
/* addon.h - the calls and classes that addon.c exports, each by the file it is in. */

#ifndef SN_ADDON_H
#define SN_ADDON_H

#include <node_api.h>
#include <stdbool.h>

/* value.c */
napi_value sn_error_make(napi_env env, napi_callback_info info);

/* env.c */
napi_value sn_env_set_callbacks(napi_env env, napi_callback_info info);
napi_value sn_env_report_uncaught(napi_env env, napi_callback_info info);

/* stream.c, listener.c, connect.c, descriptor.c: classes */
bool sn_stream_define(napi_env env, napi_value exports);
bool sn_listener_define(napi_env env, napi_value exports);
bool sn_connecting_define(napi_env env, napi_value exports);
bool sn_descriptor_define(napi_env env, napi_value exports);

/* inspect.c */
napi_value sn_list(napi_env env, napi_callback_info info);
napi_value sn_doctor(napi_env env, napi_callback_info info);

/* access.c: a class, and a descriptor doubled */
bool sn_access_define(napi_env env, napi_value exports);
napi_value sn_duplicate_fd(napi_env env, napi_callback_info info);

/* http-server.c: a class */
bool sn_http_server_define(napi_env env, napi_value exports);

/* http-exchange.c: what is done with a request, by its number */
napi_value sn_http_give(napi_env env, napi_callback_info info);
napi_value sn_http_respond(napi_env env, napi_callback_info info);
napi_value sn_http_start(napi_env env, napi_callback_info info);
napi_value sn_http_write(napi_env env, napi_callback_info info);
napi_value sn_http_end(napi_env env, napi_callback_info info);
napi_value sn_http_fail(napi_env env, napi_callback_info info);
napi_value sn_http_hold(napi_env env, napi_callback_info info);
napi_value sn_http_body(napi_env env, napi_callback_info info);
napi_value sn_http_fd(napi_env env, napi_callback_info info);

/* listener.c */
napi_value sn_take_over(napi_env env, napi_callback_info info);

/* connect.c */
napi_value sn_connect_now(napi_env env, napi_callback_info info);

/* peer.c: each of a connected socket's descriptor */
napi_value sn_peer_read(napi_env env, napi_callback_info info);
napi_value sn_peer_groups(napi_env env, napi_callback_info info);
napi_value sn_peer_executable(napi_env env, napi_callback_info info);
napi_value sn_peer_label(napi_env env, napi_callback_info info);
napi_value sn_peer_pidfd(napi_env env, napi_callback_info info);

/* address.c */
napi_value sn_address_parse(napi_env env, napi_callback_info info);
napi_value sn_address_format(napi_env env, napi_callback_info info);

/* channel.c */
bool sn_channel_define(napi_env env, napi_value exports);

/* packet.c */
bool sn_packet_define(napi_env env, napi_value exports);

/* system.c */
napi_value sn_system_close_fd(napi_env env, napi_callback_info info);
napi_value sn_system_error_text(napi_env env, napi_callback_info info);

/* tcp.c */
napi_value sn_tcp_reuse_port(napi_env env, napi_callback_info info);

#endif
