/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init.c - process 1 of the virtual machine that `boot` starts; static, alone in an initramfs with:
 *
 *   /modules/NN-NAME.ko   loaded in this order: what the root file system needs
 *   /command              first line: working directory; then KERNEL-MODULES-DIR; the rest is a shell script
 *
 * The machine's root is the host's own, read-only through virtiofs with a tmpfs laid over it: every program
 * of the host is there, and nothing that happens here reaches it. What the script prints goes to the second
 * serial port; the third one gets "started" and "exit N", by which `boot` knows how it went.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define COMMAND_MAX 65536
#define NOT_BOOTED 125 /* exit code for whatever goes wrong before the script runs */

static int control = -1; /* the third serial port */

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	fflush(stdout);
}

static _Noreturn void end(int code)
{
	dprintf(control, "exit %d\n", code);
	tcdrain(control);
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT); /* without ACPI: QEMU ends on a reboot too */
	for (;;)
		pause();
}

static int serial_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd >= 0 && tcgetattr(fd, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(fd, TCSANOW, &t);
	}
	return fd;
}

/* ---- modules */

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
		say("%s", path);
	close(fd);
}

static void load_all(void)
{
	struct dirent **names;
	char path[512];
	int n = scandir("/modules", &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		load(path);
	}
}

/* ---- the root */

static int attach(const char *type, const char *where, unsigned long flags, const char *options)
{
	mkdir(where, 0755);
	/* the tag of the virtiofs device; other types do not look at it */
	if (mount("host", where, type, flags, options) == 0 || errno == EBUSY)
		return 0;
	say("mount %s on %s", type, where);
	return -1;
}

/* The device may take a moment to appear. */
static void attach_host(void)
{
	for (int i = 0; i < 50; i++) {
		if (mount("host", "/host", "virtiofs", MS_RDONLY, NULL) == 0)
			return;
		usleep(20000);
	}
	say("mount virtiofs");
	end(NOT_BOOTED);
}

static void root_make(void)
{
	mkdir("/host", 0755);
	attach_host();
	attach("tmpfs", "/over", 0, "mode=755,size=75%");
	mkdir("/over/upper", 0755);
	mkdir("/over/work", 0755);
	if (attach("overlay", "/root", 0, "lowerdir=/host,upperdir=/over/upper,workdir=/over/work"))
		end(NOT_BOOTED);
}

/* The kernel's own modules, where modprobe(8) looks for them; they lie somewhere on the host. */
static void root_modules(const char *dir)
{
	char from[512];

	if (!*dir)
		return;
	snprintf(from, sizeof(from), "/host%s", dir);
	mkdir("/root/lib/modules", 0755);
	if (mount(from, "/root/lib/modules", NULL, MS_BIND, NULL))
		say("%s", dir);
}

/* A checkout below the host's /tmp would be hidden by ours. */
static void root_checkout(const char *dir)
{
	char at[512], from[512];

	snprintf(from, sizeof(from), "/host%s", dir);
	snprintf(at, sizeof(at), "/root%s", dir);
	if (access(at, F_OK) == 0)
		return;
	for (char *slash = at + 6; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(at, 0755);
		*slash = '/';
	}
	mkdir(at, 0755);
	if (mount(from, at, NULL, MS_BIND, NULL))
		say("%s", dir);
}

static void root_enter(void)
{
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/")) {
		say("chroot");
		end(NOT_BOOTED);
	}
}

/* What a system's own init would mount. */
static void root_kernel_files(void)
{
	attach("proc", "/root/proc", 0, NULL);
	attach("sysfs", "/root/sys", 0, NULL);
	attach("devtmpfs", "/root/dev", 0, NULL);
	attach("devpts", "/root/dev/pts", 0, "ptmxmode=666,mode=620");
	attach("tmpfs", "/root/dev/shm", 0, "mode=1777");
	attach("tmpfs", "/root/run", 0, "mode=755");
	attach("tmpfs", "/root/tmp", 0, "mode=1777");
	attach("cgroup2", "/root/sys/fs/cgroup", 0, NULL);
	attach("bpf", "/root/sys/fs/bpf", 0, "mode=700");
	attach("debugfs", "/root/sys/kernel/debug", 0, NULL);
	attach("tracefs", "/root/sys/kernel/tracing", 0, NULL);
}

static void loopback_up(void)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req))
		say("lo");
	close(fd);
}

/* ---- the script */

static char *line(char **text)
{
	char *start = *text, *newline = strchr(start, '\n');

	if (!newline) {
		say("/command");
		end(NOT_BOOTED);
	}
	*newline = '\0';
	*text = newline + 1;
	return start;
}

static char *command_read(void)
{
	static char text[COMMAND_MAX];
	int fd = open("/command", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 0) {
		say("/command");
		end(NOT_BOOTED);
	}
	close(fd);
	return text;
}

static _Noreturn void script_run(const char *dir, const char *script, int out)
{
	char *env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
		       "TERM=dumb", NULL};
	int null = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (chdir(dir) == 0)
		execle("/bin/sh", "sh", "-c", script, NULL, env);
	say("%s, /bin/sh", dir);
	_exit(NOT_BOOTED);
}

int main(void)
{
	char *text, *dir, *modules;
	int out, status = 0;
	pid_t child, gone;

	/* stdout is the console: the first serial port */
	attach("proc", "/proc", 0, NULL);
	attach("devtmpfs", "/dev", 0, NULL);
	load_all();
	out = serial_open("/dev/ttyS1");
	control = serial_open("/dev/ttyS2");
	text = command_read();
	dir = line(&text);
	modules = line(&text);
	root_make();
	root_kernel_files();
	root_modules(modules);
	root_checkout(dir);
	root_enter();
	loopback_up();
	sethostname("guest", 5);
	dprintf(control, "started\n");
	child = fork();
	if (child == 0)
		script_run(dir, text, out);
	while ((gone = wait(&status)) != child) /* and reap what others leave behind */
		if (gone < 0 && errno != EINTR)
			break;
	tcdrain(out);
	end(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
