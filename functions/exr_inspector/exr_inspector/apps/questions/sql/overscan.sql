-- Which data windows reach beyond the display window?
--
-- Show the largest overscan of each sequence in pixels per side. A negative number is a crop.
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file,
       max(p.display_window_min_x - p.data_window_min_x) AS left_side,
       max(p.display_window_min_y - p.data_window_min_y) AS top_side,
       max(p.data_window_max_x - p.display_window_max_x) AS right_side,
       max(p.data_window_max_y - p.display_window_max_y) AS bottom_side
FROM files AS f
JOIN parts AS p ON p.file_id = f.file_id
WHERE f.status = 'ok'
GROUP BY 1
HAVING max(p.display_window_min_x - p.data_window_min_x) > 0
    OR max(p.display_window_min_y - p.data_window_min_y) > 0
    OR max(p.data_window_max_x - p.display_window_max_x) > 0
    OR max(p.data_window_max_y - p.display_window_max_y) > 0
ORDER BY 1
