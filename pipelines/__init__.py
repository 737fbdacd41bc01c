"""Bulk work on pictures, by the processes of a machine or by a cluster."""
