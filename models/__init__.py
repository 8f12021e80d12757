"""`models/` holds **matching models** (encoder, topics, themes, groups, disclosure), never database models.

Data classes of the service live in `service/domain.py`. Everything here is pure: data and a seed in, a plan or a typed
error out. No database, queue, web, clock or globals.
"""
