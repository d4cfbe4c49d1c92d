# SPDX-License-Identifier: GPL-2.0-or-later
# femtosnitch: one folder = one process = one program. Everything made lands under build/.
#
#   make            build            make check   tests that need no privileges, in seconds
#   make run        log to build/state, in the foreground (as root)
#   make test       all tests (as root)          make bench   measurements
#   make kernels    the end-to-end tests on five kernels, in virtual machines (as root; hours)
#   V=1 shows the commands, SANITIZE=1 builds with ASan and UBSan into build/asan

VERSION := 0.1.0
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd
USERUNITDIR ?= $(UNITDIR)/user
B := build$(if $(SANITIZE),/asan)

CC ?= gcc
CLANG ?= clang
# not in every user's PATH; Ubuntu's is a wrapper that works only beside the kernel it was built with
BPFTOOL ?= $(firstword $(wildcard /usr/lib/linux-tools/*/bpftool /usr/sbin/bpftool) bpftool)
LLVM_STRIP ?= $(firstword $(shell command -v llvm-strip llvm-strip-19 llvm-strip-18 llvm-strip-17 llvm-strip-16 llvm-strip-15 llvm-strip-14) llvm-strip)
CFLAGS ?= -O2 -g
CFLAGS += -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -fstack-protector-strong -fPIE
CPPFLAGS += -I. -I$B -isystem /usr/include/postgresql -D_GNU_SOURCE -D_FORTIFY_SOURCE=$(if $(SANITIZE),0,2) -DVERSION='"$(VERSION)"' \
	-DLIBEXECDIR='"$(LIBEXECDIR)"' -DSYSCONFDIR='"$(SYSCONFDIR)"' -MMD -MP
CFLAGS += -ffile-prefix-map=$(CURDIR)=.
LDFLAGS += -pie -Wl,-z,relro,-z,now,--gc-sections,--as-needed
ifdef SANITIZE
CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
LIBEXECDIR ?= $(PREFIX)/libexec/femtosnitch
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $1 $(patsubst $(CURDIR)/%,%,$@))

# ---- programs: the floor (config) is linked into each; only the folder that needs a library links it
STAGES := collector hasher store view
LIBS_config := -lcjson -lcap-ng
LIBS_collector := -l:libbpf.a -l:libelf.a -l:libz.a
LIBS_hasher := -l:libcrypto.a -l:libz.a -pthread
LIBS_store := -lsqlite3 -l:libcrypto.a -lmaxminddb
LIBS_view := -lsqlite3
MARIADB := $(shell pkg-config --exists libmariadb && echo y)
# processes that serve one stage: FOLDER/NAME is femtosnitch-NAME, linked with that folder. The desktop's is only made
# where libnotify is, MariaDB's where its library is.
SERVANTS := collector/names hasher/rpmdb store/postgres store/verify store/import store/notices store/virustotal store/reverse store/geoip $(if $(MARIADB),store/mariadb) $(if $(shell pkg-config --exists libnotify && echo y),store/notify)
LIBS_names := -l:libcrypto.a -lresolv
LIBS_rpmdb := -lsqlite3
LIBS_postgres := -lsqlite3 -lpq -lcrypto
LIBS_verify := -lsqlite3 -l:libcrypto.a
LIBS_import := -lsqlite3 -l:libcrypto.a -lmaxminddb
ALSO_postgres := $B/store/verify.a # whoever knows a server checks the copies there
ALSO_mariadb := $B/store/verify.a
LIBS_mariadb = -lsqlite3 -l:libcrypto.a $(shell pkg-config --libs libmariadb)
LIBS_notices := -lsqlite3
LIBS_geoip := -lsqlite3 -lmaxminddb -lcurl -l:libz.a
LIBS_virustotal := -lsqlite3 -lcurl -lcrypto
LIBS_notify = $(shell pkg-config --libs libnotify)
PROGRAMS := $B/femtosnitch $(STAGES:%=$B/femtosnitch-%) $(foreach s,$(SERVANTS),$B/femtosnitch-$(notdir $s))

sources = $(sort $(wildcard $1/*.c))
objects = $(patsubst %.c,$B/obj/%.o,$(call sources,$1))
parts = $(filter-out %/main.o,$(call objects,$1))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run deps test-deps check test kernels bench fuzz install uninstall clean dist deb FORCE

all: $(PROGRAMS)

$B/obj/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

define folder
$B/$1.a: $$(call parts,$1)
	$$(call say,AR)
	@mkdir -p $$(@D)
	$$Qrm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach f,config $(STAGES) $(SERVANTS),$(eval $(call folder,$f)))

$B/femtosnitch: $B/obj/config/main.o $B/config.a
	$(call say,LD)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_config)

$(STAGES:%=$B/femtosnitch-%): $B/femtosnitch-%: $B/obj/%/main.o $B/%.a $B/config.a
	$(call say,LD)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_$*) $(LIBS_config)

define servant
$B/femtosnitch-$(notdir $1): $B/obj/$1/main.o $B/$1.a $(ALSO_$(notdir $1)) $B/$(firstword $(subst /, ,$1)).a $B/config.a
	$$(call say,LD)
	$$Q$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LIBS_$(notdir $1)) $$(LIBS_config)
endef
$(foreach s,$(SERVANTS),$(eval $(call servant,$s)))
$(call objects,store/mariadb): CPPFLAGS += $(shell pkg-config --cflags-only-I libmariadb 2>/dev/null | sed 's/-I/-isystem /g')
$B/obj/config/settings.o: CPPFLAGS += $(if $(MARIADB),-DWITH_MARIADB)
$(call objects,store/notify): CPPFLAGS += $(shell pkg-config --cflags-only-I libnotify 2>/dev/null | sed 's/-I/-isystem /g')

# ---- BPF: one source per subject; linked into one object, embedded by its only includer, collector/object.c.
# Linux 5.10 to 5.16 lack so much that they have an object of their own, of the same sources (bpf/early.bpf.c).
BPF_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
BPF_SOURCES := $(filter-out early,$(patsubst bpf/%.bpf.c,%,$(sort $(wildcard bpf/*.bpf.c))))
BPF_EARLY := answer attempt cgroup early exec iter resolve sock_module sock_trampoline tcp
bpf_compile = $(CLANG) -g -O2 -Wall -Wextra -Wno-unused-parameter -target bpf -mcpu=v3 -D__bpf__ \
	-D__TARGET_ARCH_$(BPF_ARCH) -I. -idirafter /usr/include/$(shell uname -m)-linux-gnu \
	-ffile-prefix-map=$(CURDIR)=. $1 -c -o $@ $< && $(LLVM_STRIP) -g $@

$B/bpf/modern/%.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	$(call say,BPF)
	@mkdir -p $(@D)
	$Q$(call bpf_compile)

$B/bpf/early/%.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	$(call say,BPF)
	@mkdir -p $(@D)
	$Q$(call bpf_compile,-DEARLY=1)

$B/bpf/femtosnitch.bpf.o: $(BPF_SOURCES:%=$B/bpf/modern/%.o)
$B/bpf/femtosnitch_early.bpf.o: $(BPF_EARLY:%=$B/bpf/early/%.o)
$B/bpf/%.bpf.o:
	$(call say,BPFLD)
	$Q$(BPFTOOL) gen object $@ $^

$B/bpf/%.skel.h: $B/bpf/%.bpf.o
	$(call say,SKEL)
	$Q$(BPFTOOL) gen skeleton $< name $* > $@

$B/obj/collector/object.o: $B/bpf/femtosnitch.skel.h $B/bpf/femtosnitch_early.skel.h

# ---- run from the tree, dependencies
run: all
	packaging/run-from-tree $B

deps:
	packaging/deps install build run

test-deps:
	packaging/deps install build run test package

# `make deps run -j8` must not compile before the compiler is there
ifneq ($(filter deps test-deps,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

# ---- tests: tests/unit/FOLDER/test_X.c is one program, linked with what it names of that folder (or of the servant of
# that name) and the floor
UNIT_TESTS := $(patsubst tests/unit/%.c,$B/tests/unit/%,$(sort $(wildcard tests/unit/*/test_*.c)))
ifeq ($(filter store/notify,$(SERVANTS)),)
UNIT_TESTS := $(filter-out $B/tests/unit/notify/%,$(UNIT_TESTS))
endif
ACTORS := $(patsubst tests/actors/%.c,$B/tests/actors/%,$(sort $(wildcard tests/actors/*.c)))
# what a program linked with another C library does; the scripts say where there is none
MUSL_GCC := $(shell command -v musl-gcc)
ACTORS_MUSL := $(if $(MUSL_GCC),$B/tests/actors/lookup_musl $B/tests/actors/lookup_musl_static)

unit_folder = $(firstword $(subst /, ,$(patsubst $B/tests/unit/%,%,$1)))
unit_parts = $(firstword $(filter %/$(call unit_folder,$1),$(SERVANTS)) $(call unit_folder,$1))
.SECONDEXPANSION:
$(UNIT_TESTS): $B/tests/unit/%: $B/obj/tests/unit/%.o $$(addprefix $B/,$$(addsuffix .a,$$(sort $$(call unit_parts,$B/tests/unit/%) config)))
	$(call say,LD)
	@mkdir -p $(@D)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter-out $B/config.a,$(filter %.a,$^)) $B/config.a \
		$(LIBS_$(call unit_folder,$@)) $(LIBS_config) -lcmocka

# it reads rpm's headers as the program does, and runs it
$B/tests/unit/hasher/test_managers: $B/hasher/rpmdb.a | $B/femtosnitch-rpmdb
$B/tests/unit/store/test_toml: $B/store/import.a

$(ACTORS): $B/tests/actors/%: tests/actors/%.c tests/actors/actor.h
	$(call say,CC)
	@mkdir -p $(@D)
	$Q$(CC) -O2 -Wall -Wextra -D_GNU_SOURCE -I. -o $@ $< -pthread $(LIBS_ACTOR_$*)
$(ACTORS_MUSL): tests/actors/lookup.c tests/actors/actor.h
	$(call say,CC)
	@mkdir -p $(@D)
	$Q$(MUSL_GCC) -O2 -Wall -Wextra -D_GNU_SOURCE -I. -o $@ $< $(if $(findstring static,$@),-static)
LIBS_ACTOR_uring := -luring
LIBS_ACTOR_first := -luring
LIBS_ACTOR_tiny := -static
LIBS_ACTOR_name := -lresolv -static
LIBS_ACTOR_flood := -l:libbpf.a -l:libelf.a -l:libz.a -static

# process 1 of the virtual machines
GUEST := $B/tests/kernels/init
$(GUEST): tests/kernels/init.c
	$(call say,CC)
	@mkdir -p $(@D)
	$Q$(CC) -O2 -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

BENCHES := $(patsubst tests/bench/%.c,$B/tests/bench/%,$(sort $(wildcard tests/bench/*.c)))
$(BENCHES): $B/tests/bench/%: $B/obj/tests/bench/%.o $B/config.a
	$(call say,LD)
	@mkdir -p $(@D)
	$Q$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lsqlite3 $(LIBS_config) -lcmocka

check: all $(UNIT_TESTS)
	tests/run-check $B

test: all $(UNIT_TESTS) $(ACTORS) $(ACTORS_MUSL) $(GUEST) $$(FUZZERS)
	tests/run-all $B

kernels: all $(ACTORS) $(ACTORS_MUSL) $(GUEST) $B/tests/unit/store/test_geoip
	tests/kernels/run $B full

bench: all $(ACTORS) $(BENCHES)
	tests/bench/run $B

# ---- fuzzing: tests/fuzz/X.c is a libFuzzer entry, built with clang; run-check also feeds each its corpus
FUZZ_NAMES := $(filter-out %/main.c,$(call sources,collector/names))
FUZZ_dns := $(FUZZ_NAMES)
FUZZ_http := $(FUZZ_NAMES)
FUZZ_hosts := $(FUZZ_NAMES)
FUZZ_reading := $(FUZZ_NAMES)
FUZZ_quic := $(FUZZ_NAMES)
FUZZ_tls := $(FUZZ_NAMES)
FUZZ_packages := $(foreach f,apk dpkg held line pacman wanted rpmdb/header rpmdb/match,hasher/$f.c)
FUZZ_LIBS_packages := -lz
FUZZ_toml := store/import/toml.c store/import/translate.c
FUZZ_geoip := store/geoip.c
FUZZ_LIBS_geoip := -lmaxminddb
FUZZ_notices := store/notices/request.c
FUZZ_LIBS_notices := -lcjson
FUZZ_notice := store/notify/notice.c store/notify/words.c
FUZZ_LIBS_notice = $(shell pkg-config --cflags --libs glib-2.0)
FUZZ_virustotal := $(foreach f,ask http source,store/virustotal/$f.c)
FUZZ_LIBS_virustotal := -lcurl -lcrypto
FUZZ_symbol := collector/symbol.c
FUZZ_LIBS_symbol := -lm
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
ifeq ($(filter store/notify,$(SERVANTS)),)
FUZZERS := $(filter-out build/fuzz/fuzz_notice,$(FUZZERS))
endif
fuzz: $(FUZZERS)
build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(call sources,config) $$(FUZZ_$$*)
	$(call say,FUZZ)
	@mkdir -p $(@D)
	$Q$(CLANG) -g -O1 -I. -D_GNU_SOURCE -DVERSION='"fuzz"' -DLIBEXECDIR='""' -DSYSCONFDIR='""' \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ $< $(filter-out config/main.c,$(call sources,config)) $(FUZZ_$*) \
		$(or $(FUZZ_LIBS_$*),$(if $(FUZZ_$*),$(LIBS_names))) $(LIBS_config)

# ---- installation: the paths are compiled in, so that other paths are another build of the floor
$B/paths: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(LIBEXECDIR) $(SYSCONFDIR) $(MARIADB)' | cmp -s - $@ || echo '$(VERSION) $(LIBEXECDIR) $(SYSCONFDIR) $(MARIADB)' > $@
$(call objects,config): $B/paths

install: all
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' UNITDIR='$(UNITDIR)' \
		USERUNITDIR='$(USERUNITDIR)' LIBEXECDIR='$(LIBEXECDIR)' packaging/install $B

uninstall:
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' UNITDIR='$(UNITDIR)' \
		USERUNITDIR='$(USERUNITDIR)' LIBEXECDIR='$(LIBEXECDIR)' packaging/install --remove

dist:
	@mkdir -p build
	git archive --format=tar --prefix=femtosnitch-$(VERSION)/ HEAD | gzip -n9 > build/femtosnitch-$(VERSION).tar.gz

deb:
	packaging/make-deb $(VERSION)

clean:
	rm -rf build

-include $(shell find $B/obj -name '*.d' 2>/dev/null)
