"""What Kring does without anybody waiting: arq jobs that match, send and keep up, and the channels messages go by.

Jobs are enqueued by name (`service.enqueue`); nobody imports this package.
"""
