// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bubbles.c - see bubbles.h. What they say is made in words.c.
 */
#include "store/notify/bubbles.h"

#include <libnotify/notify.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"
#include "store/notify/words.h"

#define NAMES_MAX 256 /* bytes of names in the shared bubble */
#define MORE ", ..."
#define REST_MS 2000 /* the shared bubble changes at most this often */

struct bubble {
	struct bubbles *of;
	NotifyNotification *n;
	char *key; /* what it is about */
	char *exe; /* NULL: about no one program */
	unsigned count;
	int64_t used_s;
};

struct bucket {
	unsigned tokens;
	int64_t given_s; /* when the last was */
};

struct bubbles {
	bubbles_clicked *clicked;
	void *arg;
	bool server, markup, actions, details;
	struct bubble bubble[BUBBLES_MAX];
	struct bucket usual, urgent;
	NotifyNotification *rest;
	unsigned rest_count, rest_urgent;
	bool rest_waited; /* for somebody to log in */
	GString *rest_names;
	guint rest_timer;
};

static int64_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static bool has(GList *caps, const char *want)
{
	for (; caps; caps = caps->next)
		if (strcmp(caps->data, want) == 0)
			return true;
	return false;
}

/* What the desktop can. It may come to the bus later than we. */
static void look_at_server(struct bubbles *b)
{
	GList *caps = notify_get_server_caps();

	b->server = caps != NULL;
	b->markup = has(caps, "body-markup");
	b->actions = has(caps, "actions");
	g_list_free_full(caps, g_free);
}

/* libnotify itself does not say before the first bubble. */
static bool has_bus(void)
{
	GError *error = NULL;
	GDBusConnection *bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);

	if (!bus)
		log_warnx("no notifications: the session bus cannot be reached: %s", error->message);
	g_clear_error(&error);
	if (!bus)
		return false;
	g_object_unref(bus); /* libnotify holds the same one */
	return true;
}

struct bubbles *bubbles_open(bubbles_clicked *clicked, void *arg, bool details)
{
	struct bubbles *b;

	if (!has_bus() || !notify_init("femtosnitch"))
		return NULL;
	if (!(b = calloc(1, sizeof(*b)))) {
		log_warnx("no memory");
		return NULL;
	}
	b->clicked = clicked;
	b->arg = arg;
	b->details = details;
	b->usual = b->urgent = (struct bucket){.tokens = BUBBLES_BURST, .given_s = now_s()};
	b->rest_names = g_string_new(NULL);
	look_at_server(b);
	return b;
}

static void forget(struct bubble *u)
{
	struct bubbles *of = u->of;

	if (u->n)
		g_object_unref(u->n);
	g_free(u->key);
	g_free(u->exe);
	memset(u, 0, sizeof(*u));
	u->of = of;
}

void bubbles_close(struct bubbles *b)
{
	size_t i;

	if (!b)
		return;
	for (i = 0; i < BUBBLES_MAX; i++)
		forget(&b->bubble[i]);
	if (b->rest)
		g_object_unref(b->rest);
	if (b->rest_timer)
		g_source_remove(b->rest_timer);
	g_string_free(b->rest_names, TRUE);
	notify_uninit();
	free(b);
}

/* ---- one program */

static void on_action(NotifyNotification *n, char *action, gpointer arg)
{
	struct bubble *u = arg;
	enum bubbles_action what = strcmp(action, "mute") == 0	    ? BUBBLES_MUTE
				   : strcmp(action, "details") == 0 ? BUBBLES_DETAILS
								    : BUBBLES_ACK;

	if (u->exe)
		u->of->clicked(u->of->arg, what, u->exe);
	(void)notify_notification_close(n, NULL);
}

static void show(NotifyNotification *n)
{
	GError *error = NULL;

	if (notify_notification_show(n, &error))
		return;
	log_warnx("the notification server did not take it: %s", error ? error->message : "?");
	g_clear_error(&error);
}

static struct bubble *find(struct bubbles *b, const char *key)
{
	size_t i;

	for (i = 0; i < BUBBLES_MAX; i++)
		if (b->bubble[i].key && strcmp(b->bubble[i].key, key) == 0)
			return &b->bubble[i];
	return NULL;
}

static struct bubble *oldest(struct bubbles *b)
{
	struct bubble *u = &b->bubble[0];
	size_t i;

	for (i = 1; i < BUBBLES_MAX && u->key; i++)
		if (!b->bubble[i].key || b->bubble[i].used_s < u->used_s)
			u = &b->bubble[i];
	forget(u);
	u->of = b;
	return u;
}

static void put(NotifyNotification **n, const struct words *w)
{
	static const NotifyUrgency urgency[] = {
		[WORDS_LOW] = NOTIFY_URGENCY_LOW,
		[WORDS_NORMAL] = NOTIFY_URGENCY_NORMAL,
		[WORDS_URGENT] = NOTIFY_URGENCY_CRITICAL,
	};

	if (!*n)
		*n = notify_notification_new(w->title, w->body, w->icon);
	else
		notify_notification_update(*n, w->title, w->body, w->icon);
	notify_notification_set_urgency(*n, urgency[w->urgency]);
}

static void fill(struct bubbles *b, struct bubble *u, const struct notice *n)
{
	bool fresh = !u->n;
	struct words w;

	words_of(&w, n, u->count, b->markup);
	put(&u->n, &w);
	words_free(&w);
	if (!b->actions || !fresh || !u->exe)
		return;
	notify_notification_add_action(u->n, "ack", "Known", on_action, u, NULL);
	notify_notification_add_action(u->n, "mute", "Mute this program", on_action, u, NULL);
	if (b->details)
		notify_notification_add_action(u->n, "details", "Details", on_action, u, NULL);
}

/* ---- the rest */

static gboolean show_rest(gpointer arg)
{
	struct bubbles *b = arg;
	struct words w;

	b->rest_timer = 0;
	words_of_rest(&w,
		      &(struct words_rest){.count = b->rest_count,
					   .urgent = b->rest_urgent,
					   .waited = b->rest_waited,
					   .names = b->rest_names->str},
		      b->markup);
	put(&b->rest, &w);
	words_free(&w);
	show(b->rest);
	return G_SOURCE_REMOVE;
}

/* What the shared bubble counts begins anew. */
static void begin_rest(struct bubbles *b)
{
	b->rest_count = b->rest_urgent = 0;
	g_string_truncate(b->rest_names, 0);
}

static void add_to_rest(struct bubbles *b, const struct notice *n)
{
	const char *name;

	if (n->summary && !b->rest_timer)
		begin_rest(b);
	b->rest_waited = n->summary > 0;
	b->rest_urgent += words_urgency(n) == WORDS_URGENT;
	b->rest_count += n->summary ? (unsigned)n->summary : 1;
	name = n->summary ? n->text : n->name ?: n->exe ?: n->text ?: n->kind;
	if (b->rest_names->len + strlen(name) < NAMES_MAX)
		g_string_append_printf(b->rest_names, "%s%s", b->rest_names->len ? ", " : "", name);
	else if (!g_str_has_suffix(b->rest_names->str, MORE))
		g_string_append(b->rest_names, MORE);
	if (!b->rest_timer)
		b->rest_timer = g_timeout_add(n->summary ? 0 : REST_MS, show_rest, b);
}

/* Few at once, and another one now and then. *quiet: none was shown for long. */
static bool take_token(struct bucket *t, bool *quiet)
{
	int64_t now = now_s(), more = (now - t->given_s) / BUBBLES_EVERY_S;

	if (more > 0) {
		t->tokens = t->tokens + more > BUBBLES_BURST ? BUBBLES_BURST : t->tokens + (unsigned)more;
		t->given_s = now;
	}
	*quiet = t->tokens == BUBBLES_BURST;
	if (*quiet)
		t->given_s = now;
	return t->tokens > 0 && t->tokens-- > 0;
}

static bool may_show(struct bubbles *b, const struct notice *n)
{
	bool quiet, urgent = words_urgency(n) == WORDS_URGENT, shown;

	/* of verdicts, of runs and of what concerns no program there are only ever a few */
	if (strcmp(n->kind, "verdict") == 0 || n->run || !n->exe)
		return true;
	shown = take_token(urgent ? &b->urgent : &b->usual, &quiet);
	if (quiet && !urgent)
		begin_rest(b);
	return shown;
}

/* Runs of a package manager share one bubble, and so do all problems; verdicts stand beside what was said
 * before. */
static char *key_of(const struct notice *n)
{
	if (n->run)
		return g_strdup_printf("run %lld", (long long)n->run);
	if (strcmp(n->kind, "verdict") == 0)
		return g_strdup_printf("verdict %s", n->exe ?: "");
	return g_strdup(n->exe ?: n->kind);
}

void bubbles_show(struct bubbles *b, const struct notice *n)
{
	char *key = key_of(n);
	struct bubble *u = n->summary ? NULL : find(b, key);

	if (!b->server)
		look_at_server(b);
	if (n->summary || (!u && !may_show(b, n))) {
		add_to_rest(b, n);
		g_free(key);
		return;
	}
	if (!u) {
		u = oldest(b);
		u->key = g_strdup(key);
		u->exe = n->run ? NULL : g_strdup(n->exe);
	}
	u->count++;
	u->used_s = now_s();
	fill(b, u, n);
	show(u->n);
	g_free(key);
}

const char *bubbles_test(struct bubbles *b, char *server, unsigned long size)
{
	char *name = NULL, *vendor = NULL, *version = NULL, *spec = NULL;
	GError *error = NULL;
	NotifyNotification *n;
	bool shown;

	(void)b;
	if (!notify_get_server_info(&name, &vendor, &version, &spec))
		return "nothing on this desktop shows notifications (org.freedesktop.Notifications)";
	snprintf(server, size, "%s %s%s", name, version, b->actions ? "" : ", without buttons");
	g_free(name);
	g_free(vendor);
	g_free(version);
	g_free(spec);
	n = notify_notification_new("femtosnitch", "Notifications work.", "dialog-information");
	shown = notify_notification_show(n, &error);
	g_clear_error(&error);
	g_object_unref(n);
	return shown ? NULL : "the notification server refused the bubble";
}
