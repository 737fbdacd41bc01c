"""Static report pages, tables and charts; free of machine learning."""
