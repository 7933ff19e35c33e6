"""Dialects: what other libraries' schedulers mean, as schedules of ours, number for number. No framework is imported.

Each library has a module of translators, one function per scheduler, registered by `base.says`. What is off by one, and
what happens past the end, is said here and nowhere else.
"""
