/* SPDX-License-Identifier: MIT */
/* datagrams.c - a verb's --listen: receive datagrams and show them with who sent them. */

#include "datagrams.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "output.h"

/* One run of datagrams_run(). */
struct reception {
    const struct datagrams *datagrams;
    struct sunpath_listener *listener;
    struct sunpath_message message;
    int fds[SUNPATH_FDS_MAX];
    int signals;
    int signal; /* that ended it, or 0 */
    int n_shown;
};

int datagrams_option(struct datagrams *datagrams, int option, const char *argument) {
    struct cli_shown shown;

    switch (option) {
    case CLI_OPTION_LISTEN:
        datagrams->address = argument;
        return CLI_OK;
    case CLI_OPTION_COUNT:
        if (!cli_parse_number(&datagrams->count, argument, 1, INT32_MAX)) {
            return cli_usage(datagrams->verb, "--count %s: not a number of messages",
                             cli_show(&shown, argument));
        }
        return CLI_OK;
    default:
        return cli_listen_option(&datagrams->options, datagrams->verb, option, argument);
    }
}

/* The length of what can be escaped at once: up to a backslash, and no half character. */
static size_t piece_size(const char *bytes, size_t size, size_t max) {
    const char *backslash = memchr(bytes, '\\', size < max ? size : max);
    size_t n = backslash != NULL ? (size_t)(backslash - bytes) : size < max ? size : max;

    for (size_t back = 0; n < size && n > 0 && back < 3 && (bytes[n] & 0xc0) == 0x80; back++) {
        n--;
    }
    return n;
}

void datagrams_print(const void *data, size_t size) {
    const char *bytes = data;
    char shown[4 * 256 + 1];

    while (size > 0) {
        size_t n = piece_size(bytes, size, 256);

        sunpath_escape(shown, sizeof(shown), bytes, n);
        fputs(shown, stdout);
        if (n < size && bytes[n] == '\\') { /* senders have escaped already, as a rule */
            putchar('\\');
            n++;
        }
        bytes += n;
        size -= n;
    }
}

static void name_sender(char *buffer, size_t n_buffer, const struct sunpath_message *message) {
    const struct sunpath_credentials *sender = &message->credentials;
    char pid[48] = "a process outside this pid namespace";

    if (!message->has_credentials) {
        snprintf(buffer, n_buffer, "unknown");
        return;
    }
    if (sender->pid != 0) {
        snprintf(pid, sizeof(pid), "pid %d", (int)sender->pid);
    }
    snprintf(buffer, n_buffer, "%s (%s:%s)", pid, cli_user_name(sender->uid),
             cli_group_name(sender->gid));
}

static void show(struct reception *reception) {
    const struct sunpath_message *message = &reception->message;
    char sender[256];

    name_sender(sender, sizeof(sender), message);
    reception->datagrams->show(message, sender);
    fflush(stdout); /* who reads us through a pipe wants to know now */
    for (size_t i = 0; i < message->n_fds; i++) {
        close(message->fds[i]);
    }
    reception->n_shown++;
}

/* Receives what is there. 0, or a negative errno. */
static int receive(struct reception *reception) {
    int r = sunpath_receive(sunpath_listener_fd(reception->listener), &reception->message);

    switch (r) {
    case 0:
    case 1:
        show(reception);
        return 0;
    case -ETOOMANYREFS:
        cli_say("descriptors that came with a message were lost");
        show(reception);
        return 0;
    case -EMSGSIZE:
        cli_say("a message of %zu bytes was dropped: more than %zu are not read",
                reception->message.size, reception->message.n_data);
        return 0;
    default:
        return r == -EAGAIN ? 0 : r;
    }
}

static bool is_over(const struct reception *reception) {
    int count = reception->datagrams->count;

    return reception->signal != 0 || ferror(stdout) || (count > 0 && reception->n_shown == count);
}

static int receive_all(struct reception *reception) {
    struct pollfd polled[2] = {
        {.fd = reception->signals, .events = POLLIN},
        {.fd = sunpath_listener_fd(reception->listener), .events = POLLIN},
    };

    while (!is_over(reception)) {
        int r = poll(polled, 2, -1) < 0 ? -errno : 0;

        if (r == 0 && polled[0].revents) {
            reception->signal = signals_read(reception->signals);
        } else if (r == 0) {
            r = receive(reception);
        }
        if (r < 0 && r != -EINTR) {
            cli_say("receive: %s", strerror(-r));
            return cli_exit_for_code(r);
        }
    }
    return CLI_OK;
}

static int open_and_receive(struct reception *reception) {
    struct sunpath_listen_options options = reception->datagrams->options.listen;
    struct sunpath_error error = {0};
    int status;

    options.type = SUNPATH_DGRAM;
    options.want_credentials = true;
    if (sunpath_listener_open(&reception->listener, reception->datagrams->address, &options,
                              &error) < 0) {
        return cli_fail(&error);
    }
    status = receive_all(reception);
    reception->listener = sunpath_listener_close(reception->listener);
    return status;
}

int datagrams_run(struct datagrams *datagrams) {
    struct reception reception = {.datagrams = datagrams};
    int status = CLI_FAILED;

    reception.message = (struct sunpath_message){.data = malloc(datagrams->max_size),
                                                 .n_data = datagrams->max_size,
                                                 .fds = reception.fds,
                                                 .max_fds = SUNPATH_FDS_MAX};
    reception.signals = signals_open();
    if (reception.message.data == NULL) {
        cli_say("out of memory");
    } else if (reception.signals >= 0) {
        status = open_and_receive(&reception);
    }
    free(reception.message.data);
    if (reception.signals >= 0) {
        close(reception.signals);
    }
    if (reception.signal != 0) {
        signals_die(reception.signal);
    }
    return status;
}
