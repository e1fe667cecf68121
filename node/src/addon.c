/* SPDX-License-Identifier: MIT */
/* addon.c - what the addon exports to lib/: one table of calls, and the classes. */

#include "addon.h"

#include "batch.h"
#include "env.h"
#include "http-quick.h"
#include "value.h"

static const struct {
    const char *name;
    napi_callback call;
} calls[] = {
    {"setCallbacks", sn_env_set_callbacks},
    {"reportUncaught", sn_env_report_uncaught},
    {"setBatch", sn_batch_set},
    {"batchInput", sn_batch_input},
    {"sendBatch", sn_batch_send_now},
    {"makeError", sn_error_make},
    {"parseAddress", sn_address_parse},
    {"formatAddress", sn_address_format},
    {"connectNow", sn_connect_now},
    {"takeOver", sn_take_over},
    {"peerRead", sn_peer_read},
    {"peerGroups", sn_peer_groups},
    {"peerExecutable", sn_peer_executable},
    {"peerLabel", sn_peer_label},
    {"peerPidfd", sn_peer_pidfd},
    {"reusePort", sn_tcp_reuse_port},
    {"closeFd", sn_system_close_fd},
    {"errorText", sn_system_error_text},
    {"list", sn_list},
    {"doctor", sn_doctor},
    {"duplicateFd", sn_duplicate_fd},
    {"setHttpMemory", sn_http_set_memory},
    {"httpLearn", sn_http_learn},
    {"httpGive", sn_http_give},
    {"httpRespond", sn_http_respond},
    {"httpStart", sn_http_start},
    {"httpWrite", sn_http_write},
    {"httpEnd", sn_http_end},
    {"httpFail", sn_http_fail},
    {"httpHold", sn_http_hold},
    {"httpBody", sn_http_body},
    {"httpFd", sn_http_fd},
};

/* Each adds its class, or what else it has, to `exports`; false with an error thrown. */
static bool (*const parts[])(napi_env env, napi_value exports) = {
    sn_stream_define, sn_listener_define, sn_connecting_define,  sn_descriptor_define,
    sn_packet_define, sn_access_define,   sn_http_server_define, sn_channel_define,
};

NAPI_MODULE_INIT() {
    napi_value function;

    if (sn_env_open(env) < 0) {
        napi_throw_error(env, NULL, "sunpath could not be set up");
        return NULL;
    }
    for (size_t i = 0; i < SN_ARRAY_SIZE(calls); i++) {
        if (napi_create_function(env, calls[i].name, NAPI_AUTO_LENGTH, calls[i].call, NULL,
                                 &function)) {
            return NULL;
        }
        sn_set(env, exports, calls[i].name, function);
    }
    for (size_t i = 0; i < SN_ARRAY_SIZE(parts); i++) {
        if (!parts[i](env, exports)) {
            return NULL;
        }
    }
    sn_set(env, exports, "version", sn_string(env, sunpath_version()));
    return exports;
}
