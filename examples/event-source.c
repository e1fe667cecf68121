/* SPDX-License-Identifier: MIT */
/* event-source.c - prints server-sent events: event-source unix:/run/app.sock:/events */

#include <stdio.h>
#include <sunpath/sunpath.h>

static void on_event(struct sunpath_event_source *source, const struct sunpath_source_event *event,
                     void *user) {
    (void)source;
    (void)user;
    printf("%s %s: %s\n", event->type, event->id, event->data);
    fflush(stdout);
}

static void on_error(struct sunpath_event_source *source, const struct sunpath_error *error,
                     int retry_ms, void *user) {
    (void)source;
    fprintf(stderr, "%s\n", error->text);
    if (retry_ms < 0) { /* it will not come back by itself */
        sunpath_loop_stop(user);
    }
}

int main(int argc, char **argv) {
    static const struct sunpath_event_source_events events = {.on_event = on_event,
                                                              .on_error = on_error};
    const char *address = argc > 1 ? argv[1] : "unix:/tmp/events.sock:/events";
    struct sunpath_error error = {.text = "cannot open a loop"};
    struct sunpath_event_source *source = NULL;
    struct sunpath_loop *loop = NULL;

    if (sunpath_loop_open(&loop) < 0 ||
        sunpath_event_source_open(&source, loop, address, NULL, &events, loop, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    sunpath_loop_run_until_signal(loop);
    sunpath_event_source_close(source);
    sunpath_loop_close(loop);
    return 0;
}
