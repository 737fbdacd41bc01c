"""Pictures that show where distances fail: blind spots and ladders."""
