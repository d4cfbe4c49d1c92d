// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bubbles.c - see bubbles.h. Names of programs and command lines are whatever their maker liked: control
 * characters are taken out, and what could be markup is no longer.
 */
#include "store/notify/bubbles.h"

#include <libnotify/notify.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/log.h"
#include "config/utf8.h"

#define TITLE_MAX 128
#define BODY_MAX 512
#define REST_MS 2000 /* the shared bubble changes at most this often */

struct bubble {
	struct bubbles *of;
	NotifyNotification *n;
	char *exe;
	unsigned count;
	int64_t used_s;
};

struct bubbles {
	bubbles_clicked *clicked;
	void *arg;
	bool markup, actions;
	struct bubble bubble[BUBBLES_MAX];
	unsigned tokens;
	int64_t token_s; /* when the last was given */
	NotifyNotification *rest;
	unsigned rest_count;
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

struct bubbles *bubbles_open(bubbles_clicked *clicked, void *arg)
{
	struct bubbles *b = calloc(1, sizeof(*b));
	GList *caps;

	if (!b || !notify_init("femtosnitch")) {
		log_warnx("no notifications: %s", b ? "the session bus cannot be reached" : "no memory");
		free(b);
		return NULL;
	}
	b->clicked = clicked;
	b->arg = arg;
	b->tokens = BUBBLES_BURST;
	b->token_s = now_s();
	b->rest_names = g_string_new(NULL);
	caps = notify_get_server_caps();
	b->markup = has(caps, "body-markup");
	b->actions = has(caps, "actions");
	g_list_free_full(caps, g_free);
	return b;
}

static void forget(struct bubble *u)
{
	struct bubbles *of = u->of;

	if (u->n)
		g_object_unref(u->n);
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

/* ---- words */

static const char *title_of(const char *kind)
{
	static const struct {
		const char *kind, *title;
	} titles[] = {
		{"new", "New on the network"},
		{"changed", "Changed program on the network"},
		{"parent", "New starter of network programs"},
		{"verdict", "VirusTotal objects"},
		{"error", "femtosnitch: error"},
		{"loss", "femtosnitch: not everything was seen"},
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(titles); i++)
		if (strcmp(kind, titles[i].kind) == 0)
			return titles[i].title;
	return "femtosnitch";
}

static NotifyUrgency urgency_of(const char *kind)
{
	if (strcmp(kind, "verdict") == 0)
		return NOTIFY_URGENCY_CRITICAL;
	return strcmp(kind, "parent") == 0 || strcmp(kind, "loss") == 0 ? NOTIFY_URGENCY_LOW
									: NOTIFY_URGENCY_NORMAL;
}

/* A server that says it knows no markup may read it all the same (dunst does, by its settings). */
static char *without_brackets(const char *text)
{
	GString *s = g_string_new(NULL);

	for (; *text; text++)
		if (*text == '<')
			g_string_append(s, "\u2039");
		else if (*text == '>')
			g_string_append(s, "\u203a");
		else
			g_string_append_c(s, *text);
	return g_string_free(s, FALSE);
}

/* Safe to show; g_free(). */
static char *safe(const struct bubbles *b, const char *text, bool body)
{
	char buf[BODY_MAX];

	utf8_escape(buf, body ? sizeof(buf) : TITLE_MAX, text, strlen(text));
	if (!body)
		return g_strdup(buf); /* a title is never read as markup */
	return b->markup ? g_markup_escape_text(buf, -1) : without_brackets(buf);
}

static char *body_of(const struct bubbles *b, const struct link_notice *n)
{
	char *exe = safe(b, n->exe ?: "", true), *text = safe(b, n->text ?: "", true),
	     *user = n->user ? safe(b, n->user, true) : NULL,
	     *body = g_strdup_printf("%s%s%s%s%s%s", exe, *exe && *text ? "\n" : "", text,
				     user ? "\n(user " : "", user ?: "", user ? ")" : "");

	g_free(exe);
	g_free(text);
	g_free(user);
	return body;
}

/* ---- one program */

static void on_action(NotifyNotification *n, char *action, gpointer arg)
{
	struct bubble *u = arg;

	if (u->exe)
		u->of->clicked(u->of->arg, strcmp(action, "mute") == 0 ? BUBBLES_MUTE : BUBBLES_ACK, u->exe);
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

static struct bubble *find(struct bubbles *b, const char *exe)
{
	size_t i;

	for (i = 0; i < BUBBLES_MAX; i++)
		if (b->bubble[i].exe && strcmp(b->bubble[i].exe, exe) == 0)
			return &b->bubble[i];
	return NULL;
}

static struct bubble *oldest(struct bubbles *b)
{
	struct bubble *u = &b->bubble[0];
	size_t i;

	for (i = 1; i < BUBBLES_MAX && u->exe; i++)
		if (!b->bubble[i].exe || b->bubble[i].used_s < u->used_s)
			u = &b->bubble[i];
	forget(u);
	u->of = b;
	return u;
}

static void fill(struct bubbles *b, struct bubble *u, const struct link_notice *n)
{
	char *who = safe(b, n->name ?: n->exe ?: "", false), *body = body_of(b, n), *title;

	title = u->count > 1 ? g_strdup_printf("%s: %s (%u times)", title_of(n->kind), who, u->count)
		: *who	     ? g_strdup_printf("%s: %s", title_of(n->kind), who)
			     : g_strdup(title_of(n->kind));
	if (!u->n)
		u->n = notify_notification_new(title, body, "dialog-information");
	else
		notify_notification_update(u->n, title, body, "dialog-information");
	notify_notification_set_urgency(u->n, urgency_of(n->kind));
	if (b->actions && u->count == 1 && n->exe) {
		notify_notification_add_action(u->n, "ack", "Known", on_action, u, NULL);
		notify_notification_add_action(u->n, "mute", "Mute this program", on_action, u, NULL);
	}
	g_free(who);
	g_free(body);
	g_free(title);
}

/* ---- the rest */

static gboolean show_rest(gpointer arg)
{
	struct bubbles *b = arg;
	char *title = g_strdup_printf("%u more on the network", b->rest_count),
	     *body = safe(b, b->rest_names->str, true);

	b->rest_timer = 0;
	if (!b->rest)
		b->rest = notify_notification_new(title, body, "dialog-information");
	else
		notify_notification_update(b->rest, title, body, "dialog-information");
	show(b->rest);
	g_free(title);
	g_free(body);
	return G_SOURCE_REMOVE;
}

static void add_to_rest(struct bubbles *b, const struct link_notice *n)
{
	b->rest_count += n->summary ? (unsigned)n->summary : 1;
	if (b->rest_names->len < BODY_MAX / 2)
		g_string_append_printf(b->rest_names, "%s%s", b->rest_names->len ? ", " : "",
				       n->summary ? n->text : n->name ?: n->exe ?: n->text ?: n->kind);
	if (!b->rest_timer)
		b->rest_timer = g_timeout_add(n->summary ? 0 : REST_MS, show_rest, b);
}

static bool may_show(struct bubbles *b)
{
	int64_t now = now_s(), more = (now - b->token_s) / BUBBLES_EVERY_S;

	if (more > 0) {
		b->tokens = b->tokens + more > BUBBLES_BURST ? BUBBLES_BURST : b->tokens + (unsigned)more;
		b->token_s = now;
	}
	if (b->tokens == 0)
		return false;
	if (b->tokens-- == BUBBLES_BURST) { /* it was quiet: what the shared bubble counts begins anew */
		b->rest_count = 0;
		g_string_truncate(b->rest_names, 0);
		b->token_s = now;
	}
	return true;
}

void bubbles_show(struct bubbles *b, const struct link_notice *n)
{
	const char *key = n->exe ?: n->text ?: n->kind;
	struct bubble *u = n->summary ? NULL : find(b, key);

	/* a verdict is always a bubble of its own */
	if (n->summary || (!u && strcmp(n->kind, "verdict") != 0 && !may_show(b))) {
		add_to_rest(b, n);
		return;
	}
	if (!u) {
		u = oldest(b);
		u->exe = g_strdup(key);
	}
	u->count++;
	u->used_s = now_s();
	fill(b, u, n);
	show(u->n);
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
