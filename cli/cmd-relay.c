/* SPDX-License-Identifier: MIT */
/* cmd-relay.c - listen on one socket and join each client to another. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "copy.h"
#include "output.h"
#include "relay.h"

#define ACCEPTS_PER_TURN 16
#define REST_MS          100 /* until descriptors may be free again */

enum {
    OPTION_ONCE = 1,
    OPTION_TIMEOUT,
    OPTION_WAIT,
    OPTION_IDLE,
    OPTION_EXPECT,
    OPTION_NO_FDS,
    OPTION_SEND_BUFFER,
    OPTION_RECEIVE_BUFFER
};

static const struct option longs[] = {
    CLI_LISTEN_LONG_OPTIONS,
    {"once", no_argument, NULL, OPTION_ONCE},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"wait", optional_argument, NULL, OPTION_WAIT},
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"expect-user", required_argument, NULL, OPTION_EXPECT},
    {"no-fds", no_argument, NULL, OPTION_NO_FDS},
    {"send-buffer", required_argument, NULL, OPTION_SEND_BUFFER},
    {"receive-buffer", required_argument, NULL, OPTION_RECEIVE_BUFFER},
    {NULL, 0, NULL, 0},
};

struct run {
    struct relay_job job;
    int signals, signal;
    struct sunpath_watch *on_signal, *on_client;
    struct sunpath_timer *pause; /* until there may be descriptors again, or datagrams are taken */
};

/* ---- the command line ------------------------------------------------------------------------ */

/* Of the connections on both sides. */
static int read_buffer(int *ret_connect, int *ret_listen) {
    int status = cli_read_buffer(ret_connect, "relay", optarg);

    *ret_listen = *ret_connect;
    return status;
}

static int read_option(struct relay_job *job, int option) {
    switch (option) {
    CLI_LISTEN_OPTION_CASES:
        return cli_listen_option(&job->options, "relay", option, optarg);
    case 'v':
        job->is_verbose = true;
        return CLI_OK;
    case OPTION_ONCE:
        job->is_once = true;
        return CLI_OK;
    case OPTION_NO_FDS:
        job->relay.no_fds = true;
        return CLI_OK;
    case OPTION_EXPECT:
        job->connect.expect_user = optarg;
        return CLI_OK;
    case OPTION_TIMEOUT:
    case OPTION_WAIT:
        return cli_read_wait(&job->connect, "relay", option == OPTION_WAIT, optarg);
    case OPTION_IDLE:
        return cli_read_duration_ms(&job->relay.idle_ms, "relay", optarg);
    case OPTION_SEND_BUFFER:
        return read_buffer(&job->connect.send_buffer, &job->options.listen.send_buffer);
    case OPTION_RECEIVE_BUFFER:
        return read_buffer(&job->connect.receive_buffer, &job->options.listen.receive_buffer);
    default:
        return CLI_USAGE;
    }
}

static int read_command_line(struct relay_job *job, int argc, char **argv) {
    struct sunpath_error error = {0};
    int option, status;

    while ((option = cli_option(argc, argv, "v", longs)) != -1) {
        status = read_option(job, option);
        if (status != CLI_OK) {
            return status;
        }
    }
    if (argc - optind != 2) {
        return cli_usage("relay", "two addresses: where to LISTEN, and where to CONNECT to");
    }
    if (sunpath_address_parse(&job->from, argv[optind], &error) < 0 ||
        sunpath_address_parse(&job->to, argv[optind + 1], &error) < 0) {
        return cli_fail(&error);
    }
    return CLI_OK;
}

/* ---- clients --------------------------------------------------------------------------------- */

static void rest_for_a_while(struct run *run) {
    sunpath_watch_set(run->on_client, 0);
    sunpath_timer_set(run->pause, REST_MS);
}

/* Datagrams come from everybody to the one socket. */
static void begin_datagrams(struct run *run) {
    int fd = fcntl(sunpath_listener_fd(run->job.listener), F_DUPFD_CLOEXEC, 3);

    if (fd < 0) {
        cli_say("datagrams: %s", strerror(errno));
        run->job.status = CLI_FAILED;
        sunpath_loop_stop(run->job.loop);
    } else {
        run->job.is_once = true;
        relay_begin(&run->job, fd);
    }
}

static void on_pause_over(struct sunpath_timer *timer, void *user) {
    struct run *run = user;

    (void)timer;
    if (run->on_client) {
        sunpath_watch_set(run->on_client, SUNPATH_READABLE);
    } else {
        begin_datagrams(run);
    }
}

static void stop_listening(struct run *run) {
    run->on_client = sunpath_watch_close(run->on_client);
    run->job.listener = sunpath_listener_close(run->job.listener);
}

static void on_client(struct sunpath_watch *watch, unsigned events, void *user) {
    struct run *run = user;
    int fd, r = 0;

    (void)watch;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_TURN && r == 0 && run->job.listener; i++) {
        r = sunpath_listener_accept(run->job.listener, &fd);
        if (r == 0 && run->job.is_once) {
            stop_listening(run); /* the next is refused at once */
        }
        if (r == 0) {
            relay_begin(&run->job, fd);
        }
    }
    if (r < 0 && r != -EAGAIN && r != -EINTR && r != -ECONNABORTED && run->on_client) {
        rest_for_a_while(run);
    }
}

static void on_signal(struct sunpath_watch *watch, unsigned events, void *user) {
    struct run *run = user;

    (void)watch;
    (void)events;
    run->signal = signals_read(run->signals);
    if (run->signal != 0) {
        sunpath_loop_stop(run->job.loop);
    }
}

/* ---- its life -------------------------------------------------------------------------------- */

/* The target is of the listener's type when nothing says otherwise. */
static int choose_type(struct relay_job *job, enum sunpath_type type) {
    enum sunpath_type target = job->to.is_typed ? job->to.type : type;

    if (job->to.kind == SUNPATH_ADDRESS_TCP) {
        target = SUNPATH_STREAM;
    }
    if ((target == SUNPATH_STREAM) != (type == SUNPATH_STREAM)) {
        return cli_usage("relay", "a stream cannot be joined to a socket with messages");
    }
    job->connect.type = target;
    job->connect.want_credentials = target == SUNPATH_SEQPACKET; /* from the first message on */
    return CLI_OK;
}

static int publish(struct relay_job *job) {
    struct sunpath_error error = {0};
    struct cli_shown shown;
    char name[SUNPATH_NAME_MAX + 64];

    if (sunpath_listener_open_address(&job->listener, &job->from, &job->options.listen, &error) <
        0) {
        return cli_fail(&error);
    }
    if (job->is_verbose || job->from.is_auto) {
        sunpath_address_format(name, sizeof(name), sunpath_listener_address(job->listener));
        cli_say("listening on %s", cli_show(&shown, name));
    }
    return choose_type(job, type_of(sunpath_listener_fd(job->listener)));
}

static int open_loop(struct run *run) {
    struct relay_job *job = &run->job;
    int r = sunpath_loop_open(&job->loop);

    if (r == 0) {
        r = sunpath_watch_open(&run->on_signal, job->loop, run->signals, SUNPATH_READABLE,
                               on_signal, run);
    }
    if (r == 0) {
        r = sunpath_timer_new(&run->pause, job->loop, on_pause_over, run);
    }
    return r;
}

static int take_clients(struct run *run) {
    int fd = sunpath_listener_fd(run->job.listener);

    if (type_of(fd) == SUNPATH_DGRAM) { /* in the first turn */
        sunpath_timer_set(run->pause, 0);
        return 0;
    }
    return sunpath_watch_open(&run->on_client, run->job.loop, fd, SUNPATH_READABLE, on_client, run);
}

static int relay(struct run *run) {
    int status = publish(&run->job), r = 0;

    if (status != CLI_OK) {
        return status;
    }
    r = open_loop(run);
    if (r == 0) {
        r = take_clients(run);
    }
    if (r == 0) {
        r = sunpath_loop_run(run->job.loop);
    }
    if (r < 0) {
        cli_say("relay: %s", strerror(-r));
        return cli_exit_for_code(r);
    }
    return run->job.status;
}

static void deinit(struct run *run) {
    relay_end_all(&run->job);
    stop_listening(run);
    sunpath_timer_free(run->pause);
    sunpath_watch_close(run->on_signal);
    if (run->job.loop) {
        sunpath_loop_close(run->job.loop);
    }
    close(run->signals);
}

int cmd_relay(int argc, char **argv) {
    struct run run = {.job = {.connect = SUNPATH_OPTIONS(struct sunpath_connect_options),
                              .relay = SUNPATH_OPTIONS(struct sunpath_relay_options)}};
    int status;

    cli_listen_options_init(&run.job.options);
    run.job.connect.no_wait = true;
    run.job.relay.max_message = MESSAGE_MAX;
    run.job.relay.first_name = "the client";
    run.job.relay.second_name = "the target";
    status = read_command_line(&run.job, argc, argv);
    if (status == CLI_OK) {
        run.signals = signals_open();
        status = CLI_FAILED;
        if (run.signals >= 0) {
            status = relay(&run);
            deinit(&run);
        }
    }
    cli_listen_options_deinit(&run.job.options);
    if (run.signal != 0) {
        signals_die(run.signal);
    }
    return status;
}
