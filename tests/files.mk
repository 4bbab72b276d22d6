# Each of test_src is a program of its own; test_lib_src is linked to all of them.
test_src := $(wildcard tests/unit/test_*.c tests/agree/agree*.c)
test_lib_src := $(filter-out tests/agree/agree%,$(wildcard tests/agree/*.c)) bench/clock.c bench/filters.c bench/filters_text.c
