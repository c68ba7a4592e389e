"""Progress posted to an audience; the silence clock."""
