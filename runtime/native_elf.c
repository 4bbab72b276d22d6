/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native_elf.c: eBPF instructions -> a relocatable object with one global
 * function -> another object (native.bpf.c's) with that function in it.
 *
 * That has a weak function of the same name, which says that there is
 * none; libbpf's linker puts ours in its place. As it is global and has BTF,
 * the verifier looks at it once, by itself, whatever the callers know.
 */
#include "native_elf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NATIVE_FUNCTION "datapath_native"
#define NATIVE_HAS "datapath_native_has"
#define NATIVE_FRAME "native_frame"

/* Names of sections and symbols, and where they are. */
static const char names[] = "\0.text\0.BTF\0.BTF.ext\0.symtab\0.strtab\0"
			    ".rel.text\0" NATIVE_FUNCTION "\0" NATIVE_HAS;
enum {
	NAME_TEXT = 1,
	NAME_BTF = NAME_TEXT + sizeof(".text"),
	NAME_BTF_EXT = NAME_BTF + sizeof(".BTF"),
	NAME_SYMTAB = NAME_BTF_EXT + sizeof(".BTF.ext"),
	NAME_STRTAB = NAME_SYMTAB + sizeof(".symtab"),
	NAME_REL = NAME_STRTAB + sizeof(".strtab"),
	NAME_FUNCTION = NAME_REL + sizeof(".rel.text"),
	NAME_HAS = NAME_FUNCTION + sizeof(NATIVE_FUNCTION)
};
enum { SEC_TEXT = 1, SEC_SYMTAB = 4, SEC_STRTAB = 5 };
enum { SYM_FUNCTION = 1, SYM_HAS, SYMS };

/*
 * .BTF.ext with a record of each kind: which function, and which line, is at
 * the start of .text. libbpf wants lines of all code or of none.
 */
struct native_ext {
	struct {
		__u16 magic;
		__u8 version, flags;
		__u32 hdr_len, func_off, func_len, line_off, line_len;
		__u32 core_off, core_len;
	} header;
	struct {
		__u32 len;     /* of a record */
		__u32 section; /* its name in BTF */
		__u32 count;
		__u32 insn_off, type_id;
	} func;
	struct {
		__u32 len, section, count;
		struct bpf_line_info info;
	} line;
};

/* All that the object's sections point to, until it is written. */
struct native_parts {
	struct btf *btf;
	struct native_ext ext;
	Elf64_Sym syms[SYMS];
	Elf64_Rel *rels;
};

/* ---- types ------------------------------------------------------------- */

/* Negative: an error of a btf__add_*() above. */
static int native_types(struct native_parts *parts)
{
	struct btf *btf = parts->btf;
	int word = btf__add_int(btf, "unsigned int", 4, 0);
	int array = btf__add_array(btf, word, word, NATIVE_FRAME_WORDS);
	int frame = btf__add_struct(btf, NATIVE_FRAME, 4 * NATIVE_FRAME_WORDS);
	int ret = btf__add_field(btf, "w", array, 0, 0), pointer, proto;

	if (ret)
		return ret;
	pointer = btf__add_ptr(btf, frame);
	proto = btf__add_func_proto(btf, word);
	ret = btf__add_func_param(btf, "frame", pointer);
	if (ret)
		return ret;
	ret = btf__add_func(btf, NATIVE_FUNCTION, BTF_FUNC_GLOBAL, proto);
	if (ret < 0)
		return ret;
	parts->ext.func.type_id = (__u32)ret;
	proto = btf__add_func_proto(btf, word);
	ret = btf__add_func_param(btf, "frame", pointer);
	if (!ret)
		ret = btf__add_func_param(btf, "field", word);
	if (!ret)
		ret = btf__add_func_param(btf, "table", word);
	if (!ret)
		ret = btf__add_func(btf, NATIVE_HAS, BTF_FUNC_EXTERN, proto);
	return ret;
}

static int native_describe(struct native_parts *parts)
{
	int ret = native_types(parts), section;

	if (ret < 0)
		return ret;
	section = btf__add_str(parts->btf, ".text");
	if (section < 0)
		return section;
	parts->ext.header.magic = BTF_MAGIC;
	parts->ext.header.version = BTF_VERSION;
	parts->ext.header.hdr_len = sizeof(parts->ext.header);
	parts->ext.header.func_len = sizeof(parts->ext.func);
	parts->ext.header.line_off = sizeof(parts->ext.func);
	parts->ext.header.line_len = sizeof(parts->ext.line);
	parts->ext.header.core_off =
		sizeof(parts->ext.func) + sizeof(parts->ext.line);
	parts->ext.func.len = 2 * sizeof(__u32);
	parts->ext.line.len = sizeof(struct bpf_line_info);
	parts->ext.func.section = parts->ext.line.section = (__u32)section;
	parts->ext.func.count = parts->ext.line.count = 1;
	parts->ext.line.info.file_name_off = (__u32)section;
	parts->ext.line.info.line_off = (__u32)section;
	parts->ext.line.info.line_col = 1u << 10;
	return 0;
}

/* ---- the object -------------------------------------------------------- */

static int native_symbols(struct native_parts *parts,
			  const struct native_code *code)
{
	parts->syms[SYM_FUNCTION] = (Elf64_Sym){
		.st_name = NAME_FUNCTION,
		.st_info = GELF_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = SEC_TEXT,
		.st_size = code->count * sizeof(*code->insns),
	};
	parts->syms[SYM_HAS] = (Elf64_Sym){
		.st_name = NAME_HAS,
		.st_info = GELF_ST_INFO(STB_GLOBAL, STT_NOTYPE),
		.st_shndx = SHN_UNDEF,
	};
	parts->rels = calloc(code->call_count + 1, sizeof(*parts->rels));
	if (!parts->rels)
		return -ENOMEM;
	for (size_t i = 0; i < code->call_count; i++) {
		parts->rels[i].r_offset = code->calls[i] * sizeof(*code->insns);
		parts->rels[i].r_info = ELF64_R_INFO(SYM_HAS, R_BPF_64_32);
	}
	return 0;
}

/* Beside bytes and names; the rest of a section is zero. */
struct native_section {
	unsigned name, type, flags, link, info, entry;
	const void *bytes;
	size_t len;
	Elf_Type kind;
};

static int native_section(Elf *elf, const struct native_section *s)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data = scn ? elf_newdata(scn) : NULL;
	Elf64_Shdr *header = scn ? elf64_getshdr(scn) : NULL;

	if (!data || !header)
		return -EIO;
	data->d_buf = (void *)s->bytes;
	data->d_size = s->len;
	data->d_type = s->kind;
	data->d_align = 8;
	header->sh_name = s->name;
	header->sh_type = s->type;
	header->sh_flags = s->flags;
	header->sh_link = s->link;
	header->sh_info = s->info;
	header->sh_entsize = s->entry;
	header->sh_addralign = 8;
	return 0;
}

static int native_sections(Elf *elf, const struct native_parts *parts,
			   const struct native_code *code)
{
	__u32 btf_len;
	const void *btf = btf__raw_data(parts->btf, &btf_len);
	const struct native_section sections[] = {
		{NAME_TEXT, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, 0, 0,
		 code->insns, code->count * sizeof(*code->insns), ELF_T_BYTE},
		{NAME_BTF, SHT_PROGBITS, 0, 0, 0, 0, btf, btf_len, ELF_T_BYTE},
		{NAME_BTF_EXT, SHT_PROGBITS, 0, 0, 0, 0, &parts->ext,
		 sizeof(parts->ext), ELF_T_BYTE},
		{NAME_SYMTAB, SHT_SYMTAB, 0, SEC_STRTAB, SYM_FUNCTION,
		 sizeof(Elf64_Sym), parts->syms, sizeof(parts->syms),
		 ELF_T_SYM},
		{NAME_STRTAB, SHT_STRTAB, 0, 0, 0, 0, names, sizeof(names),
		 ELF_T_BYTE},
		{NAME_REL, SHT_REL, SHF_INFO_LINK, SEC_SYMTAB, SEC_TEXT,
		 sizeof(Elf64_Rel), parts->rels,
		 code->call_count * sizeof(Elf64_Rel), ELF_T_REL},
	};
	size_t count = sizeof(sections) / sizeof(sections[0]);
	int ret = btf ? 0 : -ENOMEM;

	if (code->call_count == 0)
		count--;
	for (size_t i = 0; i < count && !ret; i++)
		ret = native_section(elf, &sections[i]);
	return ret;
}

static int native_write(int fd, const struct native_parts *parts,
			const struct native_code *code)
{
	Elf *elf;
	Elf64_Ehdr *header;
	int ret;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EIO;
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	header = elf ? elf64_newehdr(elf) : NULL;
	if (!header) {
		elf_end(elf);
		return -EIO;
	}
	header->e_type = ET_REL;
	header->e_machine = EM_BPF;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_shstrndx = SEC_STRTAB;
	ret = native_sections(elf, parts, code);
	if (!ret && elf_update(elf, ELF_C_WRITE) < 0)
		ret = -EIO;
	elf_end(elf);
	return ret;
}

/* A file of this process alone, to be named by its descriptor. */
static int native_file(char path[NATIVE_PATH])
{
	int fd = memfd_create("nfr-native", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(path, NATIVE_PATH, "/proc/self/fd/%d", fd);
	return fd;
}

static int native_object(int fd, const struct native_code *code)
{
	struct native_parts parts = {.btf = btf__new_empty()};
	int ret = parts.btf ? 0 : -ENOMEM;

	if (!ret)
		ret = native_describe(&parts);
	if (!ret)
		ret = native_symbols(&parts, code);
	if (!ret)
		ret = native_write(fd, &parts, code);
	free(parts.rels);
	btf__free(parts.btf);
	return ret;
}

/* ---- linking ----------------------------------------------------------- */

static int native_spill(int fd, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len > 0) {
		ssize_t done = write(fd, from, len);

		if (done < 0)
			return -errno;
		from += done;
		len -= (size_t)done;
	}
	return 0;
}

static int native_slurp(int fd, void **out, size_t *len)
{
	struct stat about;
	char *bytes;

	if (fstat(fd, &about))
		return -errno;
	bytes = malloc((size_t)about.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	if (pread(fd, bytes, (size_t)about.st_size, 0) != about.st_size) {
		free(bytes);
		return -EIO;
	}
	*out = bytes;
	*len = (size_t)about.st_size;
	return 0;
}

static int native_join(const char *to, const char *first, const char *second)
{
	struct bpf_linker *linker = bpf_linker__new(to, NULL);
	int ret = linker ? 0 : -errno;

	if (!ret)
		ret = bpf_linker__add_file(linker, first, NULL);
	if (!ret)
		ret = bpf_linker__add_file(linker, second, NULL);
	if (!ret)
		ret = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	return ret;
}

int native_link(const void *object, size_t object_len,
		const struct native_code *code, void **out, size_t *len)
{
	char path[3][NATIVE_PATH];
	int fd[3] = {-1, -1, -1}, ret = 0;

	for (int i = 0; i < 3 && !ret; i++) {
		fd[i] = native_file(path[i]);
		ret = fd[i] < 0 ? fd[i] : 0;
	}
	if (!ret)
		ret = native_spill(fd[0], object, object_len);
	if (!ret)
		ret = native_object(fd[1], code);
	if (!ret)
		ret = native_join(path[2], path[0], path[1]);
	if (!ret) {
		/* The linker wrote to a description of its own. */
		int again = open(path[2], O_RDONLY | O_CLOEXEC);

		ret = again < 0 ? -errno : native_slurp(again, out, len);
		if (again >= 0)
			close(again);
	}
	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return ret;
}
