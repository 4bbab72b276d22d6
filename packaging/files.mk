# systemd units, with the place of the tools filled in.
systemd_units := build/gen/nfr.service build/gen/nfr-restore.service
unit_dir := lib/systemd/system
build/gen/%.service: packaging/systemd/%.service.in packaging/files.mk
	$(Q)mkdir -p $(@D)
	$(Q)sed 's,@sbindir@,$(PREFIX)/sbin,' $< >$@
