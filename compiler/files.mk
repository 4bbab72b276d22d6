compiler_src := $(wildcard compiler/*.c)
