# SPDX-License-Identifier: PostgreSQL
# The extension (PGXS), the worker (through CMake), and the project's commands, which are scripts in tools/.
LAKEHOUSE_VERSION = 0.1.0
PG_CONFIG ?= pg_config

# Commands that must work before anything is installed do not read PGXS.
TOOL_GOALS = demo demo-stop test test-long bench check-style setup
.PHONY: $(TOOL_GOALS)
demo: ; @tools/demo
demo-stop: ; @tools/demo stop
test: ; @tools/test
test-long: ; @tools/test --long
bench: ; @tools/bench $(QUESTION)
check-style: ; @tools/check-style
setup: ; @tools/setup build

ifneq ($(or $(filter-out $(TOOL_GOALS),$(MAKECMDGOALS)),$(if $(MAKECMDGOALS),,all)),)

EXTENSION = extension/lakehouse
MODULE_big = lakehouse
SQL_PARTS = $(sort $(wildcard extension/sql/*.sql))
JOINED_SQL = build/sql/lakehouse--$(LAKEHOUSE_VERSION).sql
DATA_built = $(JOINED_SQL)
OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard extension/*.cpp extension/*/*.cpp core/base/*.cpp core/wire/*.cpp \
       core/dialect/*.cpp)))
REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
# In the database that the worker serves, since the tests scan through it; see tests/README.md.
REGRESS_OPTS = --use-existing
override CONTRIB_TESTDB = $(or $(PGDATABASE),postgres)
EXTRA_CLEAN = build/sql build/exports.map build/cmake

# -isystem: the server's headers are not ours to warn about, and PGXS adds them with -I only later.
PG_CPPFLAGS = -isystem $(shell $(PG_CONFIG) --includedir-server) \
              -DLAKEHOUSE_WORKER_PATH='"$(shell $(PG_CONFIG) --bindir)/lakehouse-worker"'
PG_CXXFLAGS = -std=c++20 -Wextra -Wshadow $(WERROR)
SHLIB_LINK = -lstdc++ -Wl,--version-script=build/exports.map
# JIT can't inline C++ usefully, and its compile would need every flag again.
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# C's own warnings mean nothing to C++.
CXXFLAGS := $(filter-out -Wdeclaration-after-statement -Wmissing-prototypes,$(CXXFLAGS))

# Libraries that the system doesn't have, for the worker alone; CMake writes which.
worker_libdir = $(pkglibdir)/lakehouse-worker
worker_libraries = $(shell cat build/cmake/worker-libraries.txt)

all: $(JOINED_SQL) worker
lakehouse.so: build/exports.map

$(JOINED_SQL): $(SQL_PARTS)
	@mkdir -p $(@D)
	cat $(SQL_PARTS) > $@

build/exports.map: extension/exports.txt
	@mkdir -p $(@D)
	(echo '{ global:'; sed 's/$$/;/' $<; echo 'local: *; };') > $@

# Every object is made again when any header changes: the tree is small and headers are few.
$(OBJS): $(wildcard extension/*.hpp extension/*/*.hpp extension/*/*.inc core/base/*.hpp core/wire/*.hpp core/dialect/*.hpp) Makefile

.PHONY: worker
worker:
	cmake -S . -B build/cmake -G Ninja -DLAKEHOUSE_BUILD_TESTS=OFF \
	  -DLAKEHOUSE_LIBRARY_PATH='$$ORIGIN/$(shell realpath -m --relative-to='$(bindir)' '$(worker_libdir)')' \
	  $(CMAKE_OPTIONS) > /dev/null
	cmake --build build/cmake --target lakehouse-worker

install: install-worker
.PHONY: install-worker
install-worker: worker
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) build/cmake/worker/lakehouse-worker '$(DESTDIR)$(bindir)/lakehouse-worker'
	$(MKDIR_P) '$(DESTDIR)$(worker_libdir)'
	$(if $(worker_libraries),$(INSTALL_SHLIB) $(worker_libraries) '$(DESTDIR)$(worker_libdir)')

uninstall: uninstall-worker
.PHONY: uninstall-worker
uninstall-worker:
	rm -f '$(DESTDIR)$(bindir)/lakehouse-worker'
	rm -rf '$(DESTDIR)$(worker_libdir)'

endif
